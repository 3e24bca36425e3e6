"""The daily pack: a registry over the vendors' files where they stand, and over what is derived from them.

Two packs come of it: ``daily``, whose prices are spot closes, and ``held``, to be opened over it, whose prices are
collateralised futures: a history that somebody could have earned.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from research.datasets.data import bundled_folder
from research.datasets.store import pin
from tests.daily.derive import derive

HERE = Path(__file__).parent


@dataclass(frozen=True)
class DailyPacks:
    """Folders of the two packs."""

    daily: Path
    held: Path


def build(market: Path, folder: Path) -> DailyPacks:
    """Derive what must be derived and write both registries into ``folder``.

    The vendors' files keep the pins of the registry; derived files are pinned as they are made.
    """
    derived = folder / "derived"
    derived.mkdir(parents=True)
    derive(market, derived)
    shutil.copy(bundled_folder() / "cot_release_exceptions.csv", derived)
    packs = DailyPacks(folder / "daily", folder / "held")
    for pack, registry in ((packs.daily, "registry.toml"), (packs.held, "held.toml")):
        pack.mkdir()
        text = (HERE / registry).read_text(encoding="utf-8")
        text = text.replace("@MARKET@", str(market)).replace("@DERIVED@", str(derived))
        (pack / "registry.toml").write_text(text, encoding="utf-8")
    _pin_derived(packs)
    return packs


def _pin_derived(packs: DailyPacks) -> None:
    """Pin the derived files, and refuse to pin a vendor's anew: a changed one is an error, not an update."""
    for pack in (packs.daily, packs.held):
        registry = pack / "registry.toml"
        vendors = [line for line in registry.read_text(encoding="utf-8").splitlines() if '.csv.gz" =' in line]
        pin(pack)
        changed = [line for line in vendors if line not in registry.read_text(encoding="utf-8")]
        if changed:
            raise AssertionError(f"vendor files differ from their pins: {changed}")
