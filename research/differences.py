"""What differs between two runs, or between a run and the data that are here now, in words."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from research.datasets.data import Data
from research.datasets.store import load
from research.errors import AssayError
from research.provenance import hash_bytes

Document = Mapping[str, Any]  # read from JSON

RESULTS = ("study.json", "weights.csv", "equity.csv")


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


def changed_data(manifest: Document, data: Data) -> Iterator[Difference]:
    """Datasets of ``data`` whose file is not what the ``manifest`` says was read, with the years that differ."""
    for identity, digest in manifest["data"].items():
        if identity not in data:
            yield Difference(kind="data", what=f"{identity}: in none of the packs any more")
            continue
        dataset, pack = data[identity], data.owner(identity)
        path = pack.root / dataset.file
        try:
            now = hash_bytes(path.read_bytes())
        except OSError as error:
            yield Difference(kind="data", what=f"{identity}: {path}: {error.strerror}")
            continue
        if now != digest:
            as_it_is = replace(pack, files={**pack.files, dataset.file: now})
            try:
                years = _other_years(manifest["years"][identity], by_year(load(as_it_is, dataset)))
            except AssayError as error:
                years = f"and cannot be read: {error}"
            what = f"{identity}: {path} has SHA-256 {now[:12]}…, the run read {digest[:12]}…: {years}"
            yield Difference(kind="data", what=what)


def causes(before: Document, after: Document, skip: str = "") -> Iterator[Difference]:
    """What was asked, and of what, ``before`` and ``after``, side by side; ``skip`` a kind that is known already."""
    left, right = before["manifest.json"], after["manifest.json"]
    for identity in () if skip == "data" else sorted({*left["data"], *right["data"]}):
        was, now = left["data"].get(identity), right["data"].get(identity)
        if was != now or left["years"].get(identity) != right["years"].get(identity):
            years = _other_years(left["years"].get(identity, {}), right["years"].get(identity, {}))
            yield Difference(kind="data", what=f"{identity}: {short_hash(was)} -> {short_hash(now)}: {years}")
    for name in sorted({*left["strategies"], *right["strategies"]}):
        if left["strategies"].get(name) != right["strategies"].get(name):
            lines = _changed_lines(before.get(f"source/{name}.py"), after.get(f"source/{name}.py"))
            yield Difference(kind="code", what=f"{name}: {lines}")
    if left["framework"] != right["framework"]:
        yield Difference(kind="code", what="the package research itself")
    for key in ("tried", "start", "end", "execution", "rules", "seed", "trials"):
        if left[key] != right[key]:
            yield Difference(kind="parameters", what=f"{key}: {_unlike(left[key], right[key])}")
    if before["record.json"] != after["record.json"] and left["trials"] == right["trials"]:
        yield Difference(kind="parameters", what="record: other trials in the ledger on the same prices")
    was, now = before["environment.json"], after["environment.json"]
    for key in sorted(({*was} | {*now}) - {"installed"}):
        if was.get(key) != now.get(key):
            yield Difference(kind="versions", what=f"{key}: {was.get(key)} -> {now.get(key)}")


def explained(causes: list[Difference], before: Document, after: Document) -> Iterator[Difference]:
    """What the answers are now, the causes, then where the files first differ."""
    kind = "results" if causes else "arithmetic"
    left, right = (_answers(json.loads(run["study.json"])) for run in (before, after))
    for who in dict.fromkeys([*left, *right]):
        told = _retold(left.get(who), right.get(who))
        if told:
            yield Difference(kind=kind, what=f"{who}: {told}")
    yield from causes
    for name in RESULTS:
        if before[name] != after[name]:
            yield Difference(kind=kind, what=f"{name}: {_first_unlike_line(before[name], after[name])}")


def answers_in(document: Document) -> dict[str, Document]:
    """Every claim, trial and portfolio of a study's ``document``, by what it is called."""
    parts = {f"claim {name}": part for name, part in document.get("claims", {}).items()}
    parts |= {f"{part['strategy']} on {part['metal']}": part for part in document["trials"]}
    return parts | ({"the portfolio": document["portfolio"]} if "portfolio" in document else {})


def _answers(document: Document) -> dict[str, Document]:
    """Verdict, timing return and return a year of each."""
    return {
        who: {
            "": part["verdict"]["word"],
            "timing return a year": part["evidence"]["timing_return"]["value"],
            "CAGR": part.get("performance", {}).get("strategy", {}).get("cagr"),
        }
        for who, part in answers_in(document).items()
    }


def _retold(before: Document | None, after: Document | None) -> str:
    """Both values of each answer that changed, ``undecidable -> supported; CAGR +1.20% -> +3.40%``."""
    if before is None or after is None:
        return "only in the second run" if before is None else "only in the first run"
    changed = [name for name in before if before[name] != after[name]]
    return "; ".join(f"{name} {_percent(before[name])} -> {_percent(after[name])}".strip() for name in changed)


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


def _changed_lines(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return "only in one of the runs"
    lines = [
        line.rstrip()
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]
    return f"{len(lines)} lines changed: {' | '.join(lines[:4])}" if lines else "in what it imports or closes over"


def _unlike(left: object, right: object) -> str:
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted(key for key in {*left, *right} if left.get(key) != right.get(key))
        return ", ".join(f"{key} {left.get(key)!r} -> {right.get(key)!r}" for key in keys)
    if isinstance(left, list) and isinstance(right, list):
        gone, new = [item for item in left if item not in right], [item for item in right if item not in left]
        return f"{gone} -> {new}"
    return f"{left!r} -> {right!r}"


def _first_unlike_line(before: str, after: str) -> str:
    left, right = before.splitlines(), after.splitlines()
    count = sum(a != b for a, b in zip(left, right, strict=False)) + abs(len(left) - len(right))
    for number, (a, b) in enumerate(zip(left, right, strict=False), start=1):
        if a != b:
            return f"{count} lines differ, first line {number}: {_excerpt(a, b)} -> {_excerpt(b, a)}"
    return f"{len(left)} -> {len(right)} lines"


def _excerpt(text: str, other: str) -> str:
    """The part of a line around its first difference from another."""
    start = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return text[max(0, start - 30) : start + 30].strip()


def short_hash(digest: str | None) -> str:
    """The first twelve digits of a ``digest``, or that there is none."""
    return "nothing" if digest is None else f"{digest[:12]}…"
