"""A sweep as a run folder: what was asked, everything that was printed, and the best variant's account.

It holds ``manifest.json`` (with ``"kind": "sweep"``), ``environment.json``, ``sweep.json``, ``equity.csv`` and the
strategy's source. Run again, it gives the same bytes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

from research.datasets.data import Data
from research.datasets.registry import read_registry
from research.discovery import find_strategy
from research.errors import RunError
from research.execution import Execution
from research.home import bundled_folder
from research.provenance import hash_code, versions
from research.runs import (
    FORMAT,
    Difference,
    Replay,
    environment,
    json_text,
    source_text,
    table_text,
    where_found,
    write_folder,
)
from research.sweep.sweep import Sweep, run_sweep

RESULTS = ("sweep.json", "equity.csv")


class Manifest(TypedDict):
    """What was asked, and of what."""

    format: int
    kind: str
    found: str
    source: str
    framework: str
    metal: str
    axes: dict[str, list[object]]
    by: list[str]
    start: str | None
    end: str | None
    price: str
    execution: dict[str, float]
    n_folds: int
    memory: int | None
    data: dict[str, str]
    packs: list[str]


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


def replay_sweep(folder: Path, data: Data | None = None) -> Replay:
    """Run a recorded sweep again from nothing, and prove it identical or say what changed.

    Raises
    ------
    RunError
        If the folder is of another format, or not whole.
    """
    try:
        before: Manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in (*RESULTS, "environment.json")}
        asked = {"axes": before["axes"], "by": before["by"], "n_folds": before["n_folds"], "memory": before["memory"]}
        asked |= {"metal": before["metal"], "start": before["start"], "end": before["end"]}
        terms = Execution(**before["execution"])  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder}: is no run of a sweep, or not a whole one: {error}; make one with --run DIR"
        ) from None
    packs = [Path(pack) for pack in before["packs"]]
    data = data or Data(
        [read_registry(pack if (pack / "registry.toml").is_file() else bundled_folder()) for pack in packs]
    )
    data = data if data.price.name == before["price"] else data.priced(before["price"])
    with tempfile.TemporaryDirectory() as cache:
        found = run_sweep(find_strategy(before["found"]), data, execution=terms, cache=Path(cache), **asked)  # type: ignore[arg-type]
        after = _contents(found, data, before["start"], before["end"])
    if all(texts[name] == after[name] for name in RESULTS):
        return Replay(folder=folder, identical=True, differences=(), results=RESULTS)
    kinds = list(
        _causes(before, json.loads(after["manifest.json"]), texts["environment.json"] != after["environment.json"])
    )
    unlike = [name for name in RESULTS if texts[name] != after[name]]
    kind = "results" if kinds else "arithmetic"
    differences = (*kinds, *(Difference(kind=kind, what=f"{name}: other bytes") for name in unlike))
    return Replay(folder=folder, identical=False, differences=differences, results=RESULTS)


def _causes(before: Manifest, after: Manifest, other_versions: bool) -> Iterator[Difference]:
    for identity in sorted({*before["data"], *after["data"]}):
        if before["data"].get(identity) != after["data"].get(identity):
            yield Difference(kind="data", what=f"{identity}: another file than the run read")
    if before["source"] != after["source"]:
        yield Difference(kind="code", what=f"{before['found']}: computes something else")
    if before["framework"] != after["framework"]:
        yield Difference(kind="code", what="the package research itself")
    if other_versions:
        yield Difference(kind="versions", what="Python, the libraries or the machine (environment.json)")


def _contents(found: Sweep, data: Data, start: str | None, end: str | None) -> Mapping[str, str]:
    inputs = {*found.strategy.inputs_for(found.metal, data).values(), *data.market(found.metal, start, end).datasets}
    manifest: Manifest = {
        "format": FORMAT,
        "kind": "sweep",
        "found": where_found(found.strategy),
        "source": found.strategy.source_hash,
        "framework": hash_code(),
        "metal": found.metal,
        "axes": {name: list(values) for name, values in found.grid.axes.items()},
        "by": list(found.heat.axes),
        "start": start,
        "end": end,
        "price": data.price.name,
        "execution": dict(vars(found.execution)),
        "n_folds": len(list(found.windows.of("anchored"))),
        "memory": found.windows.memory,
        "data": {identity: data[identity].sha256 for identity in sorted(inputs)},
        "packs": [str(pack.folder or pack.root) for pack in data.packs],
    }
    return {
        "manifest.json": json_text(manifest),
        "environment.json": json_text(environment(versions())),
        "sweep.json": json_text(found.to_json()),
        "equity.csv": table_text({f"{found.strategy.name}/{found.metal}": found.result.equity}),
        f"source/{found.strategy.name}.py": source_text(found.strategy),
    }
