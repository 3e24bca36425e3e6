"""What differs between two runs, or between a run and the data that are here now, in words."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from math import isclose
from typing import Any

import pandas as pd

from research.provenance import hash_bytes

Document = Mapping[str, Any]  # read from JSON

RESULTS = ("study.json", "weights.csv", "equity.csv")

_PARAMETERS = ("asked", "tried", "start", "end", "execution", "rules", "seed", "trials")
_LONGEST = 90


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing in which two runs differ.

    Attributes
    ----------
    kind
        ``data``, ``code``, ``parameters`` or ``versions``; for what came of it, ``results`` where one of those
        explains them, else ``arithmetic``.
    what
        Where, with both values.
    """

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def differences(before: Document, after: Document) -> Iterator[Difference]:
    """What the answers of two runs are, why they differ, then where the files first differ."""
    causes = [*other_data(before["manifest.json"], after["manifest.json"]), *_other_causes(before, after)]
    kind = "results" if causes else "arithmetic"
    yield from (Difference(kind=kind, what=what) for what in unlike(_answers(before), _answers(after)))
    yield from causes
    for name in results_in(before):
        lines = list(unlike(before[name].split("\n"), after.get(name, "").split("\n"), "line"))
        if lines:
            yield Difference(kind=kind, what=f"{name}: {len(lines)} lines differ, first {lines[0]}")


def results_in(run: Document) -> list[str]:
    """Names of the files of a ``run`` that hold what came out."""
    return [name for name, content in run.items() if isinstance(content, str) and "/" not in name]


def unlike(left: object, right: object, where: str = "", close: float = 0.0) -> Iterator[str]:
    """Where two documents differ, with both values; numbers may be as ``close`` as that, of themselves or of 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys([*left, *right]):
            yield from unlike(left.get(key), right.get(key), f"{where}: {key}" if where else str(key), close)
    elif isinstance(left, list) and isinstance(right, list):
        for at, pair in enumerate(zip_longest(left, right), start=1):
            yield from unlike(*pair, f"{where} {at}", close)
    elif isinstance(left, float) and isinstance(right, float):
        if not isclose(left, right, rel_tol=close, abs_tol=close):
            yield f"{where}: {left!r} -> {right!r}"
    elif left != right:
        was, now = ("nothing" if value is None else str(value) for value in (left, right))
        yield f"{where}: {_excerpt(was, now)} -> {_excerpt(now, was)}"


def _excerpt(text: str, other: str) -> str:
    """A text, or of a long one what stands around its first difference from another."""
    if len(text) <= _LONGEST:
        return text
    start = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return text[max(0, start - _LONGEST // 3) : start + _LONGEST // 3].strip()


def other_data(left: Document, right: Document) -> Iterator[Difference]:
    """Datasets of two manifests that are not the same, with the years whose values differ."""
    for identity in sorted({*left["data"], *right["data"]}):
        was, now = left["data"].get(identity), right["data"].get(identity)
        before, after = (manifest.get("years", {}).get(identity, {}) for manifest in (left, right))
        if was != now or before != after:
            what = f"{identity}: {(was or 'nothing')[:12]} -> {(now or 'nothing')[:12]}: {_other_years(before, after)}"
            yield Difference(kind="data", what=what)


def _other_causes(before: Document, after: Document) -> Iterator[Difference]:
    """Code, parameters and versions; of two runs that were asked the same, also what else had been tried."""
    left, right = before["manifest.json"], after["manifest.json"]
    was, now = (manifest.get("strategies", {}) for manifest in (left, right))
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            lines = _changed_lines(*(run.get(f"source/{name}.py", "") for run in (before, after)))
            yield Difference(kind="code", what=f"{name}: {lines}")
    if left.get("framework") != right.get("framework"):
        yield Difference(kind="code", what="the package research itself")
    asked, asked_now = ({key: manifest.get(key) for key in _PARAMETERS} for manifest in (left, right))
    yield from (Difference(kind="parameters", what=what) for what in unlike(asked, asked_now))
    if before.get("record.json") != after.get("record.json") and left.get("trials") == right.get("trials"):
        yield Difference(kind="parameters", what="record: other trials in the ledger on the same prices")
    ran, runs = ({k: v for k, v in run["environment.json"].items() if k != "installed"} for run in (before, after))
    yield from (Difference(kind="versions", what=what) for what in unlike(ran, runs))


def answers_in(document: Document) -> dict[str, Document]:
    """Every claim, trial and portfolio of a study's ``document``, by what it is called."""
    parts = {f"claim {name}": part for name, part in document.get("claims", {}).items()}
    parts |= {f"{part['strategy']} on {part['metal']}": part for part in document.get("trials", ())}
    return parts | ({"the portfolio": document["portfolio"]} if "portfolio" in document else {})


def _answers(run: Document) -> dict[str, str]:
    """Verdict, timing return and return a year of each, in words."""
    return {
        who: f"{part['verdict']['word']}, timing return {_percent(part['evidence']['timing_return']['value'])} a year"
        + (f", CAGR {_percent(part['performance']['strategy']['cagr'])}" if "performance" in part else "")
        for who, part in answers_in(json.loads(run.get("study.json", "{}"))).items()
    }


def _percent(value: object) -> str:
    return f"{value:+.2%}" if isinstance(value, float) else str(value)


def by_year(table: pd.DataFrame) -> dict[str, str]:
    """A short hash of each year of an observation table, so that a change can be placed."""
    rows = pd.util.hash_pandas_object(table, index=False)
    years = table["observed_for"].dt.year
    return {str(year): hash_bytes(part.to_numpy().tobytes())[:12] for year, part in rows.groupby(years)}


def _other_years(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    years = sorted(year for year in {*before, *after} if before.get(year) != after.get(year))
    if not years:
        return "its own values are the same"
    more = f" and {len(years) - 5} more years" if len(years) > 5 else ""
    return f"values of {', '.join(years[:5])}{more} differ"


def _changed_lines(before: str, after: str) -> str:
    lines = [line.rstrip() for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[:1] in "+-"]
    return f"{len(lines)} lines changed: {' | '.join(lines[:4])}" if lines else "in what it imports or closes over"
