"""A sweep as a run folder: what was asked, everything that was printed, and the best variant's account.

It holds ``manifest.json`` (with ``"kind": "sweep"``), ``environment.json``, ``sweep.json``, ``equity.csv`` and the
strategy's source. Run again, it gives the same bytes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from research.datasets.data import Data
from research.datasets.registry import read_registry
from research.differences import Difference
from research.discovery import find_strategy
from research.errors import RunError
from research.execution import Execution
from research.home import bundled_folder
from research.provenance import hash_code, versions
from research.runs import FORMAT, Replay, environment, json_text, source_text, table_text, where_found, write_folder
from research.sweep.sweep import Sweep, run_sweep

RESULTS = ("sweep.json", "equity.csv")


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
        before = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in (*RESULTS, "environment.json")}
        asked, terms = before["asked"], Execution(**before["execution"])
        packs = [Path(pack) for pack in before["packs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "make one with --run DIR"
        raise RunError(f"{folder}: is no run of a sweep, or not a whole one: {error}; {remedy}") from None
    if data is None:
        data = Data([read_registry(pack if (pack / "registry.toml").is_file() else bundled_folder()) for pack in packs])
    data = data if data.price.name == before["price"] else data.priced(before["price"])
    with tempfile.TemporaryDirectory() as cache:
        found = run_sweep(find_strategy(before["found"]), data, execution=terms, cache=Path(cache), **asked)
        again = _contents(found, data, asked["start"], asked["end"])
    after = json.loads(again["manifest.json"])
    unlike = [name for name in RESULTS if texts[name] != again[name]]
    causes = [("data", f"{name}: another file than the run read") for name in _unlike(before["data"], after["data"])]
    causes += [("code", f"{name}: computes something else") for name in _unlike(before["code"], after["code"])]
    if texts["environment.json"] != again["environment.json"]:
        causes.append(("versions", "Python, the libraries or the machine (environment.json)"))
    told = [*causes, *(("results" if causes else "arithmetic", f"{name}: other bytes") for name in unlike)]
    return Replay(
        folder=folder,
        identical=not unlike,
        differences=tuple(Difference(kind=kind, what=what) for kind, what in told) if unlike else (),
        results=RESULTS,
    )


def _unlike(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


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
        "code": {found.strategy.name: found.strategy.source_hash, "research": hash_code()},
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
