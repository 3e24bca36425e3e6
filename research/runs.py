"""Runs: a study written to a folder, run again from it, and compared with another.

A run folder holds::

    manifest.json       what was asked: strategies, parameters, terms, period, hashes, seeds, trials counted
    environment.json    versions of everything that computed it
    record.json         what else the ledger held on the same prices, which the p-values pay for
    study.json          everything that was printed: claims, trials and the portfolio, with evidence and verdicts
    weights.csv         decided target weights of each account, by date
    equity.csv          value of each account, by date
    source/             the strategies' own code, to be compared when it changed

Numbers are written with 17 digits, so that the same run gives the same bytes.
"""

from __future__ import annotations

import inspect
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research.claims import Thesis, load_thesis
from research.datasets.data import Data
from research.datasets.registry import read_registry
from research.diagnostics.timing import Numbers
from research.differences import RESULTS, Difference, Document, by_year, differences, other_data, results_in
from research.discovery import find_strategy
from research.errors import AssayError, DataError, RunError, StrategyError, reason
from research.execution import Execution
from research.home import BUNDLED, bundled_folder
from research.ledger import Entry, Ledger, Series
from research.provenance import hash_code
from research.study import Study, compare
from research.thesis import Strategy
from research.values import plain
from research.verdict import Rules

FORMAT = 2

_JSON = ("manifest.json", "environment.json", "record.json")
_FILES = {"study": (*_JSON, *RESULTS), "sweep": (*_JSON[:2], "sweep.json", "equity.csv")}
_LEFT_OVER_SECONDS = 60.0  # a run folder is written in less


def check_folder(folder: str | Path) -> Path:
    """The folder, if a run can be written there: to be asked before the work.

    Parameters
    ----------
    folder
        Where a run is to be written.

    Raises
    ------
    RunError
        If it exists and is no run.
    """
    folder = Path(folder)
    taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if taken and not (folder / "manifest.json").is_file():
        raise RunError(f"{folder}: exists and is no run; name a new folder")
    return folder


def save(study: Study, folder: str | Path, data: Data) -> Path:
    """Write a study as a run folder; it appears whole or not at all.

    Parameters
    ----------
    study
        What is written.
    folder
        Where; it may not hold another run.
    data
        What the study was run on.

    Raises
    ------
    RunError
        If the folder exists and is no run, or cannot be written.
    """
    return write_folder(folder, contents_of(study, data))


def write_folder(folder: str | Path, contents: Mapping[str, str]) -> Path:
    """Write file name -> text as a run folder, whole or not at all; raises as ``save``.

    Parameters
    ----------
    folder
        Where.
    contents
        Text of each file, by name.
    """
    folder = check_folder(folder)
    prefix = f".{folder.name}.assay-"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep_up(folder.parent, prefix)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix, ignore_cleanup_errors=True) as beside:
            old, new = Path(beside, "old"), Path(beside, "new")
            for name, text in contents.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror}; name a folder that can") from None
    return folder


def _sweep_up(parent: Path, prefix: str) -> None:
    """Remove what a killed process left half written."""
    for path in parent.iterdir():
        if path.name.startswith(prefix) and time.time() - path.stat().st_mtime > _LEFT_OVER_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def replay(folder: str | Path, data: Data | None = None, *, thesis: Thesis | None = None) -> tuple[Difference, ...]:
    """Run a recorded run again, and prove it identical or say what changed.

    What changed is said as ``diff`` says it. Where there is nothing, every byte of the results is the same.

    Parameters
    ----------
    folder
        The run folder.
    data
        The packs to use; by default those that the run used, where they were.
    thesis
        Whose claims are the family; by default the one that the run used, where it was.

    Raises
    ------
    RunError
        If the folder holds no run, or nothing has changed and it still cannot be run.
    """

    def again(before: Document, data: Data) -> dict[str, str]:
        return contents_of(run_again(before["manifest.json"], before["record.json"], data, thesis), data)

    return replayed(Path(folder), "study", again, data)


def replayed(
    folder: Path, kind: str, again: Callable[[Document, Data], Mapping[str, str]], data: Data | None
) -> tuple[Difference, ...]:
    """A run beside what is computed ``again`` from its files and the data; raises as ``replay``.

    Parameters
    ----------
    folder
        The run folder.
    kind
        ``"study"`` or ``"sweep"``.
    again
        From the files of the run and the data to file name -> text.
    data
        The packs to use; by default those that the run used, where they were.
    """
    before = read_run(folder, kind)
    manifest = before["manifest.json"]
    if data is None:
        packs = map(Path, manifest["packs"])  # the bundled one wherever it is now
        folders = [pack if (pack / "registry.toml").is_file() else bundled_folder() for pack in packs]
        data = Data([read_registry(folder) for folder in folders])
    if manifest["price"] != data.price.name:
        data = data.priced(manifest["price"])
    try:
        after = {name: _parsed(name, text) for name, text in again(before, data).items()}
    except (DataError, StrategyError) as error:
        kind = "data" if isinstance(error, DataError) else "code"
        return (Difference(kind=kind, what=f"cannot be run again: {error}"),)
    except AssayError as error:
        raise RunError(f"{folder}: cannot be run again: {error}") from error
    same = all(before[name] == after[name] for name in results_in(before))
    same &= not any(other_data(manifest, after["manifest.json"]))
    return () if same else tuple(differences(before, after))


def diff(left: str | Path, right: str | Path) -> tuple[Difference, ...]:
    """In what two recorded runs differ: verdicts and returns, then the causes, then the lines of files.

    Parameters
    ----------
    left
        A run folder.
    right
        Another.
    """
    return tuple(differences(read_run(Path(left)), read_run(Path(right))))


def contents_of(study: Study, data: Data, *, appendix: bool = True) -> dict[str, str]:
    """File name -> text of a ``study`` on ``data``, with its ``appendix`` or without; the same wherever it is run."""
    document = study.to_json(appendix=appendix)
    manifest = document.pop("manifest")
    strategies = {trial.name: trial.strategy for trial in study.trials}
    asked = {
        "format": FORMAT,
        **{key: manifest[key] for key in ("start", "end", "price", "seed", "strategies", "data", "coverage")},
        "tried": [[trial.name, trial.metal, dict(trial.parameters)] for trial in study.trials],
        "skipped": [[item.strategy, item.metal] for item in study.skipped],
        "trials": {key: value for key, value in manifest["trials"].items() if key != "status"},
        "execution": asdict(study.execution),
        "rules": asdict(study.rules),
        "found": {name: where_found(item) for name, item in strategies.items()},
        "framework": hash_code(),
        "years": {identity: by_year(data.observations(identity)) for identity in sorted(study.datasets)},
        "thesis_folder": None if study.thesis.folder == bundled_folder() else str(study.thesis.folder.resolve()),
        "packs": [str(pack.folder or pack.root) for pack in data.packs],
    }
    decided = {f"{trial.name}/{trial.metal}": trial.decided for trial in study.trials}
    equity = {
        f"{trial.name}/{trial.metal}/{kind}": result.equity
        for trial in study.trials
        for kind, result in {"strategy": trial.result, **trial.benchmarks}.items()
    }
    if study.portfolio is not None:
        decided |= {f"portfolio/{leg}": weights for leg, weights in study.portfolio.decided.items()}
        accounts = {"strategy": study.portfolio.result, **study.portfolio.benchmarks}
        equity |= {f"portfolio/{kind}": result.equity for kind, result in accounts.items()}
    return {
        "manifest.json": json_text(asked),
        "environment.json": json_text(environment(manifest["versions"])),
        "record.json": json_text(study.record),
        "study.json": json_text(document),
        "weights.csv": table_text(decided),
        "equity.csv": table_text(equity),
        **{f"source/{name}.py": source_text(item) for name, item in strategies.items()},
    }


def environment(versions: Mapping[str, str]) -> dict[str, object]:
    """Versions of everything that computes; ``versions`` are those of ``research.provenance``."""
    return {
        **versions,
        "machine": f"{platform.system()} {platform.machine()}",
        "installed": dict(sorted((str(item.name), item.version) for item in distributions())),
    }


@dataclass(frozen=True, kw_only=True)
class _AsRecorded(Ledger):
    """A ledger that holds what the run's own held, family by family, and writes nothing."""

    families: Iterator[list[dict[str, Any]]]

    def kept(self, prices: Iterable[str], year: float) -> tuple[dict[str, Numbers], str]:
        return {
            f"recorded {number}": Numbers(np.array(item["supporting"]), np.array(item["opposing"]), item["events"])
            for number, item in enumerate(next(self.families, []))
        }, ""

    def keep(self, series: Iterable[Series]) -> str:
        return ""

    def record(self, entries: Iterable[Entry]) -> str:
        return ""


def run_again(
    manifest: Mapping[str, Any], record: list[list[dict[str, Any]]], data: Data, thesis: Thesis | None
) -> Study:
    """What a ``manifest`` asked of ``data`` and a ``thesis``, computed anew; the ledger holds its ``record``."""
    thesis = thesis or load_thesis(manifest.get("thesis_folder"))
    found = {name: manifest["found"].get(name, name) for name in manifest["strategies"]}
    strategies = {
        name: thesis.strategies[name] if name in thesis.strategies else find_strategy(where)
        for name, where in found.items()
    }
    asked = {(name, metal) for name, metal, *_ in [*manifest["tried"], *manifest["skipped"]]}
    claimed = {(name, metal) for name, item in strategies.items() for metal in item.metals}
    return compare(
        strategies.values(),
        data,
        metals=None if asked == claimed else sorted({metal for _, metal in asked}),
        parameters={name: values for name, _, values in manifest["tried"]},
        start=manifest["start"],
        end=manifest["end"],
        execution=Execution(**manifest["execution"]),
        rules=Rules(**manifest["rules"]),
        ledger=_AsRecorded(families=iter(record)),
        thesis=thesis,
    )


def read_run(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """The files of a run ``folder`` by name, of one ``kind`` or of any: what was asked as values, all else as text."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        written, holds = manifest.get("format"), manifest.get("kind", "study")
        if written != FORMAT:
            raise RunError(f"{folder}: is of format {written!r}; this version reads format {FORMAT}")
        if kind not in (None, holds):
            raise RunError(f"{folder}: holds a {holds}, and a {kind} is needed; assay replay {folder} runs it again")
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in _FILES[holds]}
        texts |= {f"source/{path.name}": path.read_text(encoding="utf-8") for path in (folder / "source").glob("*.py")}
        return {name: _parsed(name, text) for name, text in texts.items()}
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise RunError(f"{folder}: is no run, or not a whole one: {reason(error)}; make one with --run DIR") from None


def _parsed(name: str, text: str) -> Any:
    return json.loads(text) if name in _JSON else text


def where_found(strategy: Strategy) -> str:
    """How ``find_strategy`` finds it again."""
    module = sys.modules.get(strategy.signal.__module__)
    file = getattr(module, "__file__", None)
    if file is None or Path(file).parent == BUNDLED:
        return strategy.name
    return f"{Path(file).resolve()}:{strategy.name}"


def source_text(strategy: Strategy) -> str:
    """The strategy's own code, its whole module where there is one."""
    for part in (inspect.getmodule(strategy.signal), strategy.signal):  # of a notebook, the cell
        with suppress(OSError, TypeError):
            return inspect.getsource(part)  # type: ignore[arg-type]
    return f"# {strategy.name}: its source is not on disk\n"


def json_text(document: Any) -> str:
    """Plain JSON, the same bytes for the same values.

    Parameters
    ----------
    document
        Plain values.
    """
    return json.dumps(plain(document), indent=1, allow_nan=False) + "\n"


def table_text(columns: Mapping[str, pd.Series]) -> str:
    """CSV by date, numbers with 17 digits.

    Parameters
    ----------
    columns
        Series of one index, by name.
    """
    table = pd.DataFrame(dict(columns))
    return table.to_csv(index_label="date", date_format="%Y-%m-%d", float_format="%.17g", lineterminator="\n")
