from pathlib import Path

import pytest

from research.datasets.data import Data, open_data
from tests.daily.pack import build


@pytest.fixture(scope="session")
def pack(market, tmp_path_factory) -> Path:
    return build(market, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def daily(pack) -> Data:
    return open_data(pack, price="spot")


@pytest.fixture(scope="session")
def held(daily) -> Data:
    return daily.priced("future")
