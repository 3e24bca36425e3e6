"""The cases: every statistic of ``research.diagnostics`` that gives a p-value or an interval, in worlds that fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import sqrt

import numpy as np
import numpy.typing as npt

from research.diagnostics.events import cumulative_abnormal_return, event_paths
from research.diagnostics.finding import Finding
from research.diagnostics.performance import alpha_break, jensen_alpha
from research.diagnostics.prediction import granger_causality, incremental_value, predictive_regression
from research.diagnostics.selection import deflated_sharpe_ratio, probabilistic_sharpe_ratio
from research.diagnostics.sharpe import sharpe_difference, sharpe_ratio
from research.diagnostics.specification import arch_effects, autocorrelation, heteroskedasticity, stationarity, sup_f
from tests.calibration import draws
from tests.calibration.sizes import Case
from tests.calibration.worlds import MONTHS, VOLATILITY

Floats = npt.NDArray[np.float64]

N_DRAWS = 199  # of a bootstrap: a p-value of (1 + count) / 200 is exact at 5 %
SHARPE = 0.8 / sqrt(MONTHS)
BETTER = 0.4 / sqrt(MONTHS)
ALPHA = 0.01 / sqrt(MONTHS)  # an information ratio of 0.5 on a residual of 2 % a month
SLOPE = 0.15 * VOLATILITY  # of the next month's return on the predictor
LIFT = 0.02  # a bar after an event
INTERVAL = ("interval",)

NOISES: Mapping[str, draws.Noise] = {
    "normal": draws.normal,
    "fat tails": draws.fat_tails,
    "GARCH": draws.clustering,
    "averaged prices": draws.averaged,
}


def cases() -> Iterator[Case]:
    """All cases, in the order of the table."""
    yield from _alphas()
    yield from _sharpe_ratios()
    yield from _predictions()
    yield from _leads()
    yield from _after_events()
    yield from _specifications()
    yield from _breaks()


EVERY_ANSWER = ("p_value", "interval")
KEEPS_THE_BIAS = dict.fromkeys(EVERY_ANSWER, "keeps Stambaugh's bias")
REWARDS_CALM = dict.fromkeys(EVERY_ANSWER, "calm months have the better alpha where the metal drifts")


def _alphas() -> Iterator[Case]:
    for name in ("random_walk", "gold", "averaged_prices", "silver_contrarian", "held_in_calm"):
        known = {"silver_contrarian": KEEPS_THE_BIAS, "held_in_calm": REWARDS_CALM}
        yield Case(
            function="jensen_alpha",
            where=name.replace("_", " "),
            draw=draws.world(name),
            ask=lambda world: jensen_alpha(world.excess_returns()[:, -1], world.returns[:, 0], periods_per_year=MONTHS),
            remarks=known.get(name, {}),
        )
    for name in ("normal", "GARCH", "averaged prices"):
        yield Case(
            function="jensen_alpha",
            where=f"information ratio 0.5, {name}",
            draw=draws.on_the_metal(NOISES[name], alpha=ALPHA),
            ask=partial(jensen_alpha, periods_per_year=MONTHS),
            truth=ALPHA * MONTHS,
            only=INTERVAL,
        )


LONG_MEMORY = "squares remember longer than the error allows for"


def _sharpe_ratios() -> Iterator[Case]:
    for name, noise in NOISES.items():
        yield Case(
            function="sharpe_ratio",
            where=f"Sharpe ratio 0, {name}",
            draw=draws.series(noise),
            ask=partial(sharpe_ratio, periods_per_year=MONTHS),
        )
        yield Case(
            function="sharpe_ratio",
            where=f"Sharpe ratio 0.8, {name}",
            draw=draws.series(noise, mean=SHARPE),
            ask=partial(sharpe_ratio, periods_per_year=MONTHS),
            truth=SHARPE * sqrt(MONTHS),
            only=INTERVAL,
            remarks={"interval": LONG_MEMORY} if name == "GARCH" else {},
        )
    for name in ("normal", "fat tails", "GARCH"):
        yield Case(
            function="sharpe_difference",
            where=f"both 0.8, {name}",
            draw=draws.pair(NOISES[name], sharpe=SHARPE),
            ask=partial(sharpe_difference, periods_per_year=MONTHS),
        )
    yield Case(
        function="sharpe_difference",
        where="1.2 against 0.8, GARCH",
        draw=draws.pair(draws.clustering, sharpe=SHARPE, difference=BETTER),
        ask=partial(sharpe_difference, periods_per_year=MONTHS),
        truth=BETTER * sqrt(MONTHS),
        only=INTERVAL,
        remarks={"interval": LONG_MEMORY},
    )
    for name, noise in NOISES.items():
        for truth, label in ((0.0, "0"), (SHARPE, "0.8")):
            memory = name == "averaged prices" or (name == "GARCH" and truth > 0)
            yield Case(
                function="probabilistic_sharpe_ratio",
                where=f"truth and benchmark {label}, {name}",
                draw=draws.series(noise, mean=truth),
                ask=partial(probabilistic_sharpe_ratio, benchmark_sharpe=truth),
                remarks={"p_value": "takes returns for independent"} if memory else {},
            )
    yield Case(
        function="deflated_sharpe_ratio",
        where="best of ten without skill",
        draw=draws.track_records(),
        ask=_deflated_best,
        remarks={"p_value": "its bar is the best's mean, not 0: passed at 5 % by 0.7 % of bests"},
    )


def _deflated_best(returns: Floats) -> Finding:
    sharpes = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    best = returns[:, int(np.argmax(sharpes))]
    return deflated_sharpe_ratio(best, n_trials=sharpes.size, trial_variance=1 / len(returns))


PREDICTORS = {
    "unrelated predictor, AR(1) 0.9": {"rho": 0.9, "correlation": 0.0},
    "AR(1) 0.98, shocks correlated -0.9": {"rho": 0.98, "correlation": -0.9},
}
NEAR_A_UNIT_ROOT = dict.fromkeys(("p_value", "interval"), "the slope is more dispersed near a unit root")


def _predictions() -> Iterator[Case]:
    for where, kind in PREDICTORS.items():
        for horizon in (1, 3, 12):
            yield Case(
                function="predictive_regression",
                where=f"{horizon} months, {where}",
                draw=draws.predictor(**kind),
                ask=partial(predictive_regression, horizon=horizon, delay=1),
                remarks=(NEAR_A_UNIT_ROOT if kind["correlation"] else {})
                | {
                    "p_value_naive": "knows neither overlap nor Stambaugh's bias",
                    "p_value_hodrick_uncorrected": "keeps Stambaugh's bias",
                },
            )
    for horizon in (1, 3, 12):
        yield Case(
            function="predictive_regression",
            where=f"{horizon} months, slope of 0.15 volatilities, AR(1) 0.9",
            draw=draws.predictor(rho=0.9, correlation=-0.5, slope=SLOPE),
            ask=partial(predictive_regression, horizon=horizon, delay=1),
            truth=partial(_true_slope, horizon=horizon, delay=1),
            only=INTERVAL,
        )
    for correlation in (0.0, -0.9):
        yield Case(
            function="incremental_value",
            where=f"beside momentum and a ratio, AR(1) 0.9, shocks correlated {correlation:g}",
            draw=draws.predictor_and_controls(correlation=correlation),
            ask=incremental_value,
        )


def _true_slope(finding: Finding, *, horizon: int, delay: int) -> float:
    """Slope over the horizon for one standard deviation of the sample's predictor."""
    ahead = sum(0.9**step for step in range(delay, delay + horizon))
    return SLOPE * ahead * float(finding.details["predictor_standard_deviation"])


def _leads() -> Iterator[Case]:
    yield Case(
        function="granger_causality",
        where="signal to price, GARCH",
        draw=draws.changes,
        ask=lambda signal, price: granger_causality(signal, price, lags=3),
        remarks={"p_value_classical": "takes the variance for constant"},
    )
    yield Case(
        function="granger_causality",
        where="price to signal, GARCH",
        draw=draws.changes,
        ask=lambda signal, price: granger_causality(price, signal, lags=3),
        remarks={"p_value_classical": "takes the variance for constant"},
    )


def _after_events() -> Iterator[Case]:
    ask = partial(cumulative_abnormal_return, horizon=3, delay=1)
    for where, draw in {
        "20 events, normal": draws.events(draws.normal, n_events=20),
        "20 events, GARCH": draws.events(draws.clustering, n_events=20),
        "8 clusters of 3 events, GARCH": draws.events(draws.clustering, n_events=8, clustered=True),
        "20 events, averaged prices": draws.events(draws.averaged, n_events=20),
    }.items():
        yield Case(
            function="cumulative_abnormal_return",
            where=where,
            draw=draw,
            ask=ask,
        )
    yield Case(
        function="cumulative_abnormal_return",
        where="20 events that lift by 6 %, GARCH",
        draw=draws.events(draws.clustering, n_events=20, effect=LIFT),
        ask=ask,
        truth=3 * LIFT,
        only=INTERVAL,
    )
    yield Case(
        function="event_paths",
        where="20 events, GARCH",
        draw=draws.events(draws.clustering, n_events=20),
        ask=_mean_path_inside,
        targets={"band": 0.9},
    )


def _mean_path_inside(returns: Floats, dates: npt.NDArray[np.int64]) -> dict[str, bool]:
    found = event_paths(returns, dates, horizon=3)
    return {"band": bool(found.shifted_low[-1] <= found.mean[-1] <= found.shifted_high[-1])}


def _specifications() -> Iterator[Case]:
    yield Case(
        function="stationarity",
        where="random walk",
        draw=draws.random_walk,
        ask=stationarity,
        only=("p_value",),
    )
    for name, noise in {"normal": draws.normal, "AR(1) 0.5": draws.persistent}.items():
        yield Case(
            function="stationarity",
            where=f"stationary, {name}",
            draw=draws.series(noise),
            ask=stationarity,
            only=("kpss_p_value",),
            remarks={"kpss_p_value": "counts little memory as none"} if name == "AR(1) 0.5" else {},
        )
    for name in ("normal", "fat tails", "GARCH"):
        yield Case(
            function="autocorrelation",
            where=name,
            draw=draws.series(NOISES[name]),
            ask=autocorrelation,
            remarks={"ljung_box_p_value": "takes clusters of volatility for memory"} if name == "GARCH" else {},
        )
    for name in ("normal", "fat tails"):
        yield Case(
            function="heteroskedasticity",
            where=name,
            draw=draws.on_the_metal(NOISES[name]),
            ask=_variance_by_the_metal,
            remarks={"breusch_pagan_p_value": "takes residuals for normal"} if name == "fat tails" else {},
        )
        yield Case(function="arch_effects", where=name, draw=draws.series(NOISES[name]), ask=arch_effects)


def _variance_by_the_metal(strategy: Floats, metal: Floats) -> Finding:
    slope, constant = np.polyfit(metal, strategy, 1)
    return heteroskedasticity(strategy - constant - slope * metal, metal)


def _breaks() -> Iterator[Case]:
    for name in ("normal", "GARCH", "averaged prices"):
        draw = draws.on_the_metal(NOISES[name])
        yield Case(function="alpha_break", where=name, draw=draw, ask=alpha_break)
        yield Case(function="sup_f", where=name, draw=draw, ask=partial(sup_f, seed=0, n_draws=N_DRAWS))
