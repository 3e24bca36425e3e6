import pytest

from research.datasets.data import Data, open_data
from tests.daily.pack import DailyPacks, build


@pytest.fixture(scope="session")
def packs(market, tmp_path_factory) -> DailyPacks:
    pytest.importorskip("currency_converter", reason="no offline exchange rates; install the extra `live`")
    return build(market, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def daily(packs) -> Data:
    return open_data(packs.daily)


@pytest.fixture(scope="session")
def held(packs) -> Data:
    return open_data(packs.daily, packs.held)
