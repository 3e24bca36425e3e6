from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from research.sources.http import Client, Limits
from tests.sources.server import Vendor, serving

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # a Monday, after New York's close


class Clock:
    """A clock that stands still and remembers how long it was asked to sleep."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as found:
        yield found


def new_client(clock: Clock, **limits: float) -> Client:
    patience = {"read": 5.0, "connect": 5.0, "total": 20.0, "tries": 3} | limits
    return Client(Limits(**patience), sleep=clock.sleep, now=clock.now)


@pytest.fixture
def client(clock: Clock) -> Iterator[Client]:
    with new_client(clock) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_keys_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("FRED_API_KEY", raising=False)
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    names = ("FRED", "FRED_API", "DBNOMICS", "CFTC", "CME", "LBMA", "IMF", "WORLD_BANK", "ECB")
    for provider in (*names, "BANK_OF_RUSSIA", "NATIONAL_BANK_OF_POLAND"):
        monkeypatch.setenv(f"ASSAY_{provider}_URL", "http://127.0.0.1:9")  # nothing listens there
