"""The question about bootstraps: Hansen's test of superior predictive ability."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from research.study.threads import one_thread

from .timing import Row, Time, compared, duration, spent, take_turns


def predictive_ability(
    n_strategies: int = 100, n_bars: int = 15_000, n_draws: int = 10_000, few: int = 100
) -> Iterator[Row]:
    """Hansen's test beside arch's, whose variances (a loop over every lag) and draws are timed apart."""
    from arch.bootstrap import SPA

    from research.diagnostics.multiplicity import superior_predictive_ability

    class DrawsOnly(SPA):
        def _compute_variance(self) -> None:
            self._loss_diff_var = np.ones(self.k)

    gains, block = family(n_strategies, n_bars), 10
    losses = -gains.to_numpy()

    def ours(*, studentize: bool) -> object:
        return superior_predictive_ability(gains, seed=1, n_draws=n_draws, block_length=block, studentize=studentize)

    def theirs(kind: type[SPA], draws: int) -> None:
        kind(np.zeros(n_bars), losses, block_size=block, reps=draws, studentize=False, seed=1).compute()

    words = agree_on_p_values(family(10, 1_000), block, 1_000)
    with one_thread():
        times = take_turns(
            {
                "unstudentized": lambda: ours(studentize=False),
                "studentized": lambda: ours(studentize=True),
                "draws": lambda: theirs(DrawsOnly, few),
            },
            rounds=2,
        )
        once = spent(lambda: theirs(SPA, 1))
    draws = times["draws"] * (n_draws / few)
    whole = Time(once.wall + draws.wall, once.processor + draws.processor)
    for kind in ("studentized", "unstudentized"):
        task = f"SPA, {n_strategies} strategies × {n_bars:,} bars × {n_draws:,} draws: {kind}, arch (unstudentized)"
        scaled = f"arch: {few} draws × {n_draws // few} ({duration(draws.processor)})"
        yield compared(
            f"{task}, whole",
            times[kind],
            whole,
            f"{words}; {scaled} and its variances once ({duration(once.processor)})",
        )
        yield compared(f"{task}, draws only", times[kind], draws, f"{scaled}; ours in whole")


def agree_on_p_values(gains: pd.DataFrame, block: int, n_draws: int) -> str:
    """Our unstudentized p-values beside arch's: four standard errors of the difference of two simulations."""
    from research.diagnostics.multiplicity import superior_predictive_ability

    details = superior_predictive_ability(gains, seed=1, n_draws=n_draws, block_length=block, studentize=False).details
    theirs = arch_p_value(gains, block, n_draws)
    tolerance = 4 * np.sqrt(2 * 0.25 / n_draws)
    np.testing.assert_allclose(details["p_value_upper"], theirs, atol=tolerance)
    return f"upper p-value {details['p_value_upper']:.3f} and arch's {theirs:.3f}, {n_draws:,} draws of a small family"


def arch_p_value(gains: pd.DataFrame, block: int, n_draws: int) -> float:
    """White's reality check (the upper p-value) by arch; losses are gains with the sign turned."""
    from arch.bootstrap import SPA

    losses = -gains.to_numpy()
    test = SPA(np.zeros(len(losses)), losses, block_size=block, reps=n_draws, studentize=False, seed=1)
    test.compute()
    return float(test.pvalues["upper"])


def family(n_strategies: int, n_bars: int) -> pd.DataFrame:
    """Gains without merit that share half of their variance."""
    random = np.random.default_rng(5)
    gains = random.normal(0, 0.01, (n_bars, n_strategies)) + random.normal(0, 0.01, (n_bars, 1))
    return pd.DataFrame(gains, columns=[f"s{i}" for i in range(n_strategies)])
