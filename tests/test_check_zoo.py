"""All leaks are caught and named, and nobody honest is accused."""

import pytest

from research import open_data
from research.lookahead import check
from research.thesis import Strategy
from tests.zoo import enclosure, honest, leaky_dates, leaky_state, leaky_values

N_CUTS = 8  # of true histories; enough to name the cause
DAILY = {
    "month_mean_on_daily_bars",
    "tomorrow_close",
    "report_on_its_tuesday",
    "last_trading_day_of_the_month",
    "turn_of_the_month",
    "mondays_only",
    "weekly_report_when_published",
    "weeks_closed_before_use",
    "last_day_of_the_week",
}
CONTRACT = {
    "global_cache": "state",
    "cache_without_the_data_in_its_key": "state",
    "longest_history_seen": "state",
    "attribute_of_itself": "state",
    "fitted_once_in_a_class": "state",
    "hung_on_a_library": "state",
    "reads_a_file": "file",
    "keeps_a_file": "file",
    "file_read_at_import": "file",
    "opens_the_data": "file",
    "has_its_own_data": "outside_data",
    "table_in_the_module": "outside_data",
    "asks_the_network": "network",
    "asks_another_program": "process",
    "knows_the_year": "clock",
    "knows_the_time": "clock",
    "knows_today": "clock",
    "tosses_a_coin": "randomness",
    "tosses_a_global_coin": "randomness",
    "tosses_an_old_coin": "randomness",
    "writes_to_its_panel": "mutation",
    "looks_up_the_stack": "introspection",
    "asks_the_environment": "environment",
    "tops_written_down": "hindsight",
}


NAMED = {
    "next_value": ("perturbation", "lease", "next bar"),
    "full_sample_quantile": ("truncation", "lease", "whole sample"),
    "fitted_on_all": ("truncation", "lease", "whole sample"),
    "peek_through_the_other_metal": ("perturbation", "silver_price", "by the period"),
    "filled_backwards": ("gap", "stock", "far side"),
    "interpolated": ("gap", "stock", "far side"),
    "filled_before_the_first_value": ("perturbation", "flow", "far side"),
    "newest_vintage": ("vintage", "flow", "newest vintage"),
    "latent_vintage": ("vintage", "lease", "newest vintage"),
    "latent_period_dates": ("delay", "lease", "observed_for"),
    "average_before_it_is_printed": ("perturbation", "gold_price", "observed_for"),
    "year_mean_for_the_whole_year": ("truncation", "lease", "whole month, quarter or year"),
    "month_mean_on_daily_bars": ("truncation", "gold_price", "whole month, quarter or year"),
    "ends_in_cash": ("truncation", "the calendar", "length of the sample"),
    "shuffled_over_the_sample": ("truncation", "the calendar", "length of the sample"),
    "smoothed_regimes": ("truncation", "lease", "both ways"),
}


def animals(*modules):
    return [item for module in modules for item in vars(module).values() if isinstance(item, Strategy)]


def named(item):
    return item.name


@pytest.fixture(scope="session")
def packs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enclosure")
    return {
        "monthly": open_data(enclosure.monthly_pack(folder / "monthly"), bundled=False),
        "daily": open_data(enclosure.daily_pack(folder / "daily"), bundled=False),
    }


def look_at(item, packs, n_cuts=N_CUTS):
    data = packs["daily" if item.name in DAILY else "monthly"]
    return check(item, data, pipeline=False, n_cuts=n_cuts)


def test_the_zoo_is_large_enough():
    assert len(animals(leaky_values, leaky_dates, leaky_state)) >= 50
    assert len(animals(honest)) >= 45


LEAKY = [a for a in animals(leaky_values, leaky_dates, leaky_state) if a.name not in CONTRACT]


@pytest.mark.parametrize("item", LEAKY, ids=named)
def test_a_leak_is_caught_and_named(item, packs):
    report = look_at(item, packs)
    assert not report.passed
    assert report.leaks, report
    for leak in report.leaks:
        assert leak.moved <= leak.cut
        assert leak.cause
        assert leak.remedy
        if leak.input != "the calendar":
            assert set(leak.input.split(", ")) <= {i for m in item.metals for i in item.inputs_for(m).values()}
        if leak.learned_from is not None and leak.probe != "vintage":
            assert leak.learned_from > leak.cut.tz_localize("UTC")
    if item.name in NAMED:
        probe, identity, cause = NAMED[item.name]
        assert any(leak.probe == probe and leak.input == identity and cause in leak.cause for leak in report.leaks), (
            report
        )


@pytest.mark.parametrize("item", [a for a in animals(leaky_dates, leaky_state) if a.name in CONTRACT], ids=named)
def test_a_breach_of_contract_is_caught_and_named(item, packs):
    report = look_at(item, packs)
    assert CONTRACT[item.name] in {violation.kind for violation in report.violations}, report


@pytest.mark.parametrize("item", animals(honest), ids=named)
def test_nobody_honest_is_accused(item, packs):
    report = look_at(item, packs, n_cuts=6)
    assert report.passed, report
