"""What `assay data` and `assay strategies` show, as plain rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from research.claims import Thesis
    from research.datasets.data import Data
    from research.study import Study


class DatasetRow(TypedDict):
    """One dataset: what it is, what it covers, how late it is, who publishes it, when it is known."""

    id: str
    title: str
    pack: str
    unit: str
    frequency: str
    first: str
    last: str
    rows: int
    next_due: str | None
    overdue_days: int
    publisher: str
    source: str
    licence: str
    attribution: str
    release: str
    release_note: str
    longest_useful_age_days: int
    notes: str
    quality: str
    file: str
    sha256: str


class StrategyRow(TypedDict):
    """One strategy: what it claims, of which claim it is a test, what it needs and what is missing of that."""

    name: str
    claim: str
    tests: str | None
    kind: str
    metals: list[str]
    inputs: dict[str, dict[str, str]]
    missing: list[str]
    expected_sign: int
    falsifier: str
    grid: dict[str, list[object]]
    defaults: dict[str, object]


def days_late(due: str | None, now: datetime | None = None) -> int:
    """Whole days since the moment (ISO, UTC) at which a release was due; 0 where none was."""
    return 0 if due is None else max(0, ((now or datetime.now(UTC)) - datetime.fromisoformat(due)).days)


def as_of(rows: Iterable[DatasetRow], now: datetime | None = None) -> list[DatasetRow]:
    """The rows as late as they are now, and the day in place of the moment at which the next release is due."""
    return [
        {**row, "overdue_days": days_late(row["next_due"], now), "next_due": row["next_due"] and row["next_due"][:10]}
        for row in rows
    ]


def dataset_rows(available: Data) -> list[DatasetRow]:
    """One row a dataset, with the moment at which the next release is due; ``as_of`` tells how late it is."""
    from research.datasets.release import next_release

    rows = []
    looked = {found.id: found.line for found in available.prices_looked_over()}
    for identity in available:
        dataset = available[identity]
        first, last, count = available.coverage(identity)
        due = next_release(dataset.release, dataset.frequency, last)
        row = DatasetRow(
            id=identity,
            title=dataset.title,
            pack=dataset.pack,
            unit=dataset.unit,
            frequency=dataset.frequency,
            first=f"{first:%Y-%m-%d}",
            last=f"{last:%Y-%m-%d}",
            rows=count,
            next_due=None if due is None else due.isoformat(),
            overdue_days=0,
            publisher=dataset.publisher,
            source=dataset.source,
            licence=dataset.licence,
            attribution=dataset.attribution,
            release=dataset.release_words,
            release_note=dataset.lag_note,
            longest_useful_age_days=dataset.longest_useful_age.days,
            notes=dataset.notes,
            quality=looked.get(identity, ""),
            file=dataset.file,
            sha256=dataset.sha256,
        )
        rows.append(row)
    return rows


def strategy_rows(thesis: Thesis, available: Data) -> list[StrategyRow]:
    """One row a strategy of a thesis."""
    rows = []
    for item in thesis.strategies.values():
        sentence = thesis.sentence_of(item)
        needed = {identity for metal in item.metals for identity in item.inputs_for(metal, available).values()}
        row = StrategyRow(
            name=item.name,
            claim=item.claim,
            tests=sentence.id if sentence else None,
            kind=thesis.kind_of(item),
            metals=list(item.metals),
            inputs={metal: dict(item.inputs_for(metal)) for metal in item.metals},
            missing=sorted(identity for identity in needed if identity not in available),
            expected_sign=item.expected_sign,
            falsifier=item.falsifier,
            grid={name: list(values) for name, values in item.grid.items()},
            defaults=dict(item.defaults),
        )
        rows.append(row)
    return rows


def overdue(study: Study) -> list[str]:
    """The ids of which a newer release was due before now and is not here."""
    import pandas as pd

    from research.datasets.release import overdue

    now, coverage = pd.Timestamp.now("UTC"), study.manifest["coverage"]
    last = {identity: pd.Timestamp(coverage[identity][1]) for identity in study.datasets}
    return [name for name, item in study.datasets.items() if overdue(item.release, item.frequency, last[name], now)]
