"""A body cut anywhere: what is kept is the whole truth or nothing."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from research.errors import AssayError
from research.sources.catalog import entry
from research.sources.fetching import merged_with
from research.sources.http import Download, Passing, refuse_other_kind
from tests.sources import formats
from tests.sources.conftest import NOW

DAYS = formats.business_days("2026-08-03", 75)
TUESDAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-01-06", "2026-11-17", freq="7D")]
MONTHS = [str(month) for month in pd.period_range("2024-01", "2026-10", freq="M")]
LAST_KILOBYTE = 1024
DOWNLOAD = Download(body=b"", address="", retrieved_at=NOW)


def wave(keys, level: float, size: float) -> dict[str, float]:
    return {key: round(level + size * float(np.sin(at / 5)), 2) for at, key in enumerate(keys)}


def two_decimals(values):
    return {key: f"{value:.2f}" for key, value in values.items()}


def russia(days) -> bytes:
    dotted = [f"{pd.Timestamp(day):%d.%m.%Y}" for day in days]
    rates = {f"{pd.Timestamp(day) + pd.Timedelta(days=1):%d.%m.%Y}": 78.0 for day in days}
    return b"\n".join(formats.bank_of_russia(wave(dotted, 10_000, 90), rates)) + b"\n"


def pink(n: int) -> bytes:
    months = [month.replace("-", "M") for month in MONTHS[:n]]
    return formats.pink_sheet(wave(months, 3000, 50), wave(months, 40, 2))


def sofr(n: int) -> bytes:
    return formats.fred_json([(day, day, f"{4 + at / 100:.2f}") for at, day in enumerate(DAYS[:n])])


def vaults(n: int) -> bytes:
    return formats.lbma_xlsx([[month, 300_000 + 100 * at, 900_000] for at, month in enumerate(MONTHS[:n])])


def official(n: int) -> bytes:
    return formats.imf_json("G001", {month.replace("-", "-M"): "1150000000" for month in MONTHS[:n]})


def euro(n: int) -> bytes:
    return formats.ecb_zip({day: (1.16, round(8.24 + at / 1000, 4)) for at, day in enumerate(DAYS[:n])})


BODIES = {
    "bill_rate_daily": ("csv", lambda n: formats.fred_csv("DTB3", two_decimals(wave(DAYS[:n], 4, 0.3))), 75),
    "sofr": ("json", sofr, 75),
    "real_yield_10y": ("json", lambda n: formats.dbnomics("FED/H15/RIFLGFCY10_XII_N.B", wave(DAYS[:n], 1, 0.2)), 75),
    "cot_gold": ("json", lambda n: formats.cot(formats.DISAGGREGATED, TUESDAYS[:n]), 46),
    "cot_gold_legacy": ("json", lambda n: formats.cot(formats.LEGACY, TUESDAYS[:n]), 46),
    "comex_silver_stocks": ("excel", lambda n: formats.cme_xls(f"11/{n}/2026", metal="SILVER"), 19),
    "gold_price": ("excel", pink, 34),
    "london_vault_gold": ("excel", vaults, 34),
    "world_official_gold": ("json", official, 34),
    "usdcny": ("zip", euro, 75),
    "gold_spot": ("xml", lambda n: russia(DAYS[:n]), 75),
    "nbp_gold_price": ("json", lambda n: formats.nbp_gold(wave(DAYS[:n], 480, 5)), 75),
}


def read(identity: str, body: bytes) -> pd.DataFrame | None:
    """What the answer says, or None where it is refused: without a network."""
    one = entry(identity)
    try:
        refuse_other_kind(body, BODIES[identity][0], "http://127.0.0.1/")
        return import_module(f"research.sources.{one.provider}").parse(body, one.series, NOW)
    except (AssayError, Passing):
        return None


def kept_of(identity: str, fresh: pd.DataFrame | None, before: pd.DataFrame | None) -> pd.DataFrame | None:
    """What the pack holds after this answer: without a disk."""
    if fresh is None:
        return before
    try:
        return merged_with(
            before, fresh=fresh, one=entry(identity), download=DOWNLOAD, believed=False, command="…"
        ).table
    except AssayError:
        return before


def try_cuts(identity: str, cuts) -> None:
    _, body_of, n = BODIES[identity]
    whole = body_of(n)
    before = kept_of(identity, read(identity, body_of(n - 1)), None)
    after = kept_of(identity, read(identity, whole), before)
    assert before is not None
    assert len(after) > len(before)
    truth = {tuple(row) for row in kept_of(identity, read(identity, whole), None).itertuples(index=False)}
    for cut in cuts:
        if cut >= len(whole):
            return
        fresh = read(identity, whole[:-cut])
        got = kept_of(identity, fresh, before)
        pd.testing.assert_frame_equal(got, after if len(got) == len(after) else before, obj=f"cut by {cut}")
        first = kept_of(identity, fresh, None)
        if first is not None:  # between two lines of a CSV a cut leaves no trace; each row that is kept is true
            assert {tuple(row) for row in first.itertuples(index=False)} <= truth, cut


@pytest.fixture(autouse=True)
def _nothing_bundled(monkeypatch):
    monkeypatch.setattr("research.sources.fetching._bundled_history", lambda one: None)


@pytest.mark.parametrize("identity", BODIES)
def test_cuts_of_the_last_kilobyte(identity):
    try_cuts(identity, [*range(1, 33), *range(33, LAST_KILOBYTE, 31)])


@pytest.mark.slow
@pytest.mark.parametrize("identity", BODIES)
def test_every_cut_of_the_last_kilobyte(identity):
    try_cuts(identity, range(1, LAST_KILOBYTE + 1))
