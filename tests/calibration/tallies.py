"""Tallies on disk, so that a long count can be stopped and goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

Tally = dict[str, list[float]]


def kept(folder: Path | None, key: str, count: Callable[[], Tally]) -> Tally:
    """The tally of this key, read if it lies in the folder, else counted and written there."""
    if folder is None:
        return count()
    path = folder / f"{key}.json"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        found = count()
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(path)
    return {name: list(values) for name, values in json.loads(path.read_text(encoding="utf-8")).items()}


def together(tallies: Iterable[Tally]) -> Tally:
    """One tally of several."""
    found: Tally = {}
    for tally in tallies:
        for name, values in tally.items():
            found.setdefault(name, []).extend(values)
    return found
