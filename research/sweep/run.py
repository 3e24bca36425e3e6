"""A sweep as a run folder: what was asked, everything that was printed, and the best variant's account.

It holds ``manifest.json`` (with ``"kind": "sweep"``), ``environment.json``, ``sweep.json``, ``equity.csv`` and the
strategy's source. Run again, it gives the same bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from research.datasets.data import Data
from research.differences import Difference, Document, by_year
from research.discovery import find_strategy
from research.execution import Execution
from research.provenance import hash_code, versions
from research.runs import (
    FORMAT,
    environment,
    json_text,
    replayed,
    source_text,
    table_text,
    where_found,
    write_folder,
)
from research.sweep.sweep import Sweep, run_sweep


def save_sweep(found: Sweep, folder: str | Path, data: Data, start: str | None = None, end: str | None = None) -> Path:
    """Write a sweep as a run folder, whole or not at all.

    Parameters
    ----------
    start, end
        As they were asked for.

    Raises
    ------
    RunError
        If the folder exists and is no run, or cannot be written.
    """
    return write_folder(folder, _contents(found, data, start, end))


def replay_sweep(folder: Path, data: Data | None = None) -> tuple[Difference, ...]:
    """Run a recorded sweep again from nothing, and prove it identical or say what changed.

    Raises
    ------
    RunError
        If the folder is of another format or kind, or not whole.
    """

    def again(before: Document, data: Data) -> Mapping[str, str]:
        manifest, asked = before["manifest.json"], before["manifest.json"]["asked"]
        strategy, terms = find_strategy(manifest["found"]), Execution(**manifest["execution"])
        with tempfile.TemporaryDirectory() as cache:
            found = run_sweep(strategy, data, execution=terms, cache=Path(cache), **asked)
        return _contents(found, data, asked["start"], asked["end"])

    return replayed(folder, "sweep", again, data)


def _contents(found: Sweep, data: Data, start: str | None, end: str | None) -> Mapping[str, str]:
    inputs = {*found.strategy.inputs_for(found.metal, data).values(), *data.market(found.metal, start, end).datasets}
    manifest = {
        "format": FORMAT,
        "kind": "sweep",
        "found": where_found(found.strategy),
        "asked": {
            "metal": found.metal,
            "axes": found.grid.axes,
            "by": found.heat.axes,
            "start": start,
            "end": end,
            "n_folds": len(list(found.windows.of("anchored"))),
            "memory": found.windows.memory,
        },
        "execution": vars(found.execution),
        "price": data.price.name,
        "strategies": {found.strategy.name: found.strategy.source_hash},
        "framework": hash_code(),
        "data": {identity: data[identity].sha256 for identity in sorted(inputs)},
        "years": {identity: by_year(data.observations(identity)) for identity in sorted(inputs)},
        "packs": [str(pack.folder or pack.root) for pack in data.packs],
    }
    return {
        "manifest.json": json_text(manifest),
        "environment.json": json_text(environment(versions())),
        "sweep.json": json_text(found.to_json()),
        "equity.csv": table_text({f"{found.strategy.name}/{found.metal}": found.result.equity}),
        f"source/{found.strategy.name}.py": source_text(found.strategy),
    }
