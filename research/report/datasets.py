"""What `assay data` and `assay strategies` show, as plain rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from research.claims import Thesis
    from research.datasets.data import Data
    from research.study import Study

Row = dict[str, Any]
"""Plain values by name, as ``--json`` prints them."""

OF_DATASET = ("title", "pack", "unit", "frequency", "publisher", "source", "licence", "attribution", "notes", "file")
OF_STRATEGY = ("name", "claim", "metals", "expected_sign", "falsifier", "grid", "defaults")


def dataset_rows(available: Data) -> list[Row]:
    """One row a dataset, with the moment at which the next release is due; ``as_of`` tells how late it is."""
    looked = {found.id: found.line for found in available.prices_looked_over()}
    rows = []
    for identity in available:
        dataset = available[identity]
        row = {"id": identity, **{name: getattr(dataset, name) for name in OF_DATASET}, **covered(available, identity)}
        row |= {"release": dataset.release_words, "release_note": dataset.lag_note, "sha256": dataset.sha256}
        row |= {"longest_useful_age_days": dataset.longest_useful_age.days, "quality": looked.get(identity, "")}
        rows.append(row)
    return rows


def covered(available: Data, identity: str) -> Row:
    """From when to when a dataset goes, and the moment at which its next release is due."""
    from research.datasets.release import next_release

    dataset, (first, last, count) = available[identity], available.coverage(identity)
    due = next_release(dataset.release, dataset.frequency, last)
    days = {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}", "rows": count}
    return {**days, "next_due": None if due is None else due.isoformat(), "overdue_days": 0}


def as_of(rows: Iterable[Row]) -> list[Row]:
    """The rows as late as they are now, and the day in place of the moment at which the next release is due."""
    found = []
    for row in rows:
        due = row["next_due"]
        late = 0 if due is None else max(0, (datetime.now(UTC) - datetime.fromisoformat(due)).days)
        found.append({**row, "overdue_days": late, "next_due": due and due[:10]})
    return found


def strategy_rows(thesis: Thesis, available: Data) -> list[Row]:
    """One row a strategy of a thesis: what it claims and tests, what it needs, and what of that is missing."""
    rows = []
    for item in thesis.strategies.values():
        sentence = thesis.sentence_of(item)
        needed = {identity for metal in item.metals for identity in item.inputs_for(metal, available).values()}
        row: Row = {name: getattr(item, name) for name in OF_STRATEGY}
        row |= {"tests": sentence.id if sentence else None, "kind": thesis.kind_of(item)}
        row["inputs"] = {metal: item.inputs_for(metal) for metal in item.metals}
        row["missing"] = sorted(identity for identity in needed if identity not in available)
        rows.append(row)
    return rows


def overdue(study: Study) -> list[str]:
    """The ids of which a newer release was due before now and is not here."""
    import pandas as pd

    from research.datasets.release import overdue

    now, coverage = pd.Timestamp.now("UTC"), study.manifest["coverage"]
    last = {identity: pd.Timestamp(coverage[identity][1]) for identity in study.datasets}
    return [name for name, item in study.datasets.items() if overdue(item.release, item.frequency, last[name], now)]
