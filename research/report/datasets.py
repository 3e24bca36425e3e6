"""What `assay data` shows, as plain rows."""

from __future__ import annotations

from typing import Any

from research.datasets.data import Data


def dataset_rows(available: Data) -> list[dict[str, Any]]:
    """One row per dataset: what it is, what it covers, who publishes it, and when it becomes known."""
    rows = []
    for identity in available:
        dataset = available[identity]
        first, last, count = available.coverage(identity)
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
                "publisher": dataset.publisher,
                "source": dataset.source,
                "licence": dataset.licence,
                "attribution": dataset.attribution,
                "release": dataset.release_words,
                "release_note": dataset.lag_note,
                "longest_useful_age_days": dataset.longest_useful_age.days,
                "notes": dataset.notes,
                "file": dataset.file,
                "sha256": dataset.sha256,
            }
        )
    return rows
