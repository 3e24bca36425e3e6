"""One study for all displays: real data, and a name that must never reach a page as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from research import compare, open_data
from research.discovery import find_strategy
from research.study import Study, Trial

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def study() -> Study:
    real = find_strategy("lease_rate_spike")
    evil = replace(find_strategy("registered_drawdown"), name=EVIL, claim='"><img src=x onerror=alert(2)>')
    return compare([real, evil], open_data(), metals=["silver", "gold"])


@pytest.fixture(scope="session")
def trial(study: Study) -> Trial:
    return study["lease_rate_spike", "silver"]


@pytest.fixture(scope="session")
def too_few(study: Study) -> Trial:
    found = study["lease_rate_spike", "gold"]
    assert found.evidence.events < found.verdict.rules.min_events
    return found
