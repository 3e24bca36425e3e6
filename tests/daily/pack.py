"""The daily pack: a registry over the vendors' files where they stand, and over what is derived from them."""

from __future__ import annotations

import shutil
from pathlib import Path

from research.home import bundled_folder
from tests.daily.derive import derive
from tests.pins import pin

HERE = Path(__file__).parent


def build(market: Path, folder: Path) -> Path:
    """Derive what must be derived and write the registry into ``folder``.

    The vendors' files keep the pins of the registry, and a changed one is an error, not an update; derived files are
    pinned as they are made.
    """
    derived = folder / "derived"
    derived.mkdir(parents=True)
    derive(market, derived)
    shutil.copy(bundled_folder() / "cot_release_exceptions.csv", derived)
    registry = folder / "registry.toml"
    text = (HERE / "registry.toml").read_text(encoding="utf-8")
    text = text.replace("@MARKET@", str(market)).replace("@DERIVED@", str(derived))
    registry.write_text(text, encoding="utf-8")
    vendors = [line for line in text.splitlines() if '.csv.gz" =' in line]
    pin(folder)
    changed = [line for line in vendors if line not in registry.read_text(encoding="utf-8")]
    if changed:
        raise AssertionError(f"vendor files differ from their pins: {changed}")
    return folder
