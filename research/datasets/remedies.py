"""How a dataset that is not here is to be had: the line to type."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def how_to_get(ids: Iterable[str]) -> str:
    """The commands that would bring these datasets, as they are typed.

    >>> how_to_get(["sofr", "my_own"])
    'type: assay data fetch sofr; assay data add FILE --as my_own'
    """
    wanted = sorted(ids)
    fetched = [identity for identity in wanted if identity in fetchable()]
    lines = [f"assay data fetch {' '.join(fetched)}"] if fetched else []
    lines += [f"assay data add FILE --as {identity}" for identity in wanted if identity not in fetchable()]
    return f"type: {'; '.join(lines)}"


@lru_cache(maxsize=1)
def fetchable() -> frozenset[str]:
    """What the catalogue of sources has that programs may download; the catalogue is data, read and not imported."""
    path = Path(__file__).parents[1] / "sources" / "catalog.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    by_hand = {name for name, provider in document["providers"].items() if provider.get("by_hand")}
    return frozenset(name for name, one in document["datasets"].items() if one["provider"] not in by_hand)
