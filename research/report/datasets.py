"""What `assay data` shows, as plain rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from research.datasets.data import Data
from research.datasets.dataset import Dataset
from research.datasets.staleness import staleness


def dataset_rows(available: Data, now: pd.Timestamp) -> list[dict[str, Any]]:
    """One row per dataset: what it is, what it covers, how late it is at ``now``, who publishes it, when known."""
    rows = []
    looked = {found.id: found.line for found in available.prices_looked_over()}
    for identity in available:
        dataset = available[identity]
        first, last, count = available.coverage(identity)
        age = staleness(dataset, last, now)
        rows.append(
            {
                "id": identity,
                "title": dataset.title,
                "pack": dataset.pack,
                "unit": dataset.unit,
                "frequency": dataset.frequency,
                "first": f"{first:%Y-%m-%d}",
                "last": f"{last:%Y-%m-%d}",
                "rows": count,
                "next_due": None if age.next_due is None else f"{age.next_due:%Y-%m-%d}",
                "overdue_days": age.overdue.days if age.overdue else 0,
                "publisher": dataset.publisher,
                "source": dataset.source,
                "licence": dataset.licence,
                "attribution": dataset.attribution,
                "release": dataset.release_words,
                "release_note": dataset.lag_note,
                "longest_useful_age_days": dataset.longest_useful_age.days,
                "notes": dataset.notes,
                "quality": looked.get(identity, ""),
                "file": dataset.file,
                "sha256": dataset.sha256,
            }
        )
    return rows


def overdue(datasets: Mapping[str, Dataset], coverage: Mapping[str, tuple[str, str]], now: pd.Timestamp) -> list[str]:
    """The ids whose next release was due before ``now`` and is not here."""
    return [
        identity
        for identity, dataset in datasets.items()
        if staleness(dataset, pd.Timestamp(coverage[identity][1]), now).overdue
    ]
