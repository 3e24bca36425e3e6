"""Packs that are read once."""

from __future__ import annotations

import pytest

from research import open_data
from tests.zoo import enclosure


@pytest.fixture(scope="package")
def months(tmp_path_factory):
    """Fifteen years of monthly averages, made of random numbers."""
    folder = tmp_path_factory.mktemp("months") / "pack"
    enclosure.monthly_pack(folder)
    return open_data(folder, bundled=False)


@pytest.fixture(scope="package")
def days(tmp_path_factory):
    """Three years of daily closes, likewise."""
    folder = tmp_path_factory.mktemp("days") / "pack"
    enclosure.daily_pack(folder)
    return open_data(folder, bundled=False)
