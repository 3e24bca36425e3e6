"""``python -m tests.registration.calibrate``: how often the running e-values err, and how long they take.

Each sample is twenty years before a registration, of which only weights and the scale are read, and twenty after it,
looked at every month. Nothing is to be found in it, or just what is worth having.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.anytime import FIRST_LOOK, PRIOR_RATIO, log_e_value, remainder
from research.report.chart import Axis, Chart, Line, Panel, Role, Rule
from tests.calibration.rate import Rate, table
from tests.calibration.tables import save
from tests.calibration.tallies import Tally, kept
from tests.calibration.worlds import MONTHS, WORLDS, autoregression
from tests.registration import alternatives

Floats = npt.NDArray[np.float64]
Draw = Callable[[int, int], "Sample"]

BEFORE, AFTER, LONG = 240, 240, 480
LEVEL = 0.05
LIVED = "slow signals, real"
RATIOS = (0.3, 0.5, 1.0)
REGISTERED = (1990, 1995, 2000, 2005)
PRICES = Path(__file__).parents[2] / "data" / "metals_monthly.csv"


@dataclass(frozen=True, eq=False)
class Sample:
    """Active weights, weights ``(n, n_samples, 1)`` and returns ``(n, n_samples, n_metals)``, registered after some."""

    active: Floats
    held: Floats
    returns: Floats
    before: int = BEFORE

    @classmethod
    def of(cls, held: Floats, returns: Floats, before: int = BEFORE) -> Sample:
        """From weights whose first is known, ``(n, n_samples)``."""
        so_far = np.vstack([held[:1], np.cumsum(held, axis=0)[:-1] / np.arange(1, len(held))[:, None]])
        return cls((held - so_far)[:, :, None], held[:, :, None], returns, before)

    def before_it(self) -> tuple[Floats, Floats]:
        """What was seen before the registration: scale, and covariance of both weights, ``(n_samples, n_metals)``.

        Where nothing was, of a position that is held half of the time.
        """
        z, w, m = (part[: self.before] for part in (self.active, self.held, self.returns))
        centred = z - z.mean(axis=0)
        scale = (centred * (m - m.mean(axis=0))).std(axis=0)
        covariance = np.broadcast_to((centred * w).mean(axis=0), scale.shape)
        told = (scale > 1e-12) & (covariance > 1e-12)
        return np.where(told, scale, m.std(axis=0) / 2), np.where(told, covariance, 0.25)

    def log_e_values(self, side: str = "supporting") -> tuple[Floats, Floats]:
        """At every month after, of the claim and of that with the other sign, ``(n, n_samples)`` each."""
        scale, _ = self.before_it()
        z, w, m = (part[self.before :] for part in (self.active, self.held, self.returns))
        plus, minus = np.zeros(m.shape[:2]), np.zeros(m.shape[:2])
        for n in range(FIRST_LOOK, len(m) + 1):
            centred = z[:n] - z[:n].mean(axis=0)
            gross = centred * (m[:n] - m[:n].mean(axis=0))
            if side == "supporting":
                series = _together(gross / scale)
                plus[n - 1], minus[n - 1] = log_e_value(series), log_e_value(-series)
            else:
                effect = centred * (w[:n] - w[:n].mean(axis=0))
                plus[n - 1] = log_e_value(-_together(remainder(gross, effect, MONTHS) / scale))
        return plus, minus

    def with_effect(self, effect: Floats) -> Sample:
        """The same with what the weight adds to the returns after the registration."""
        returns = self.returns.copy()
        returns[self.before :] += effect * self.held[self.before :]
        return Sample(self.active, self.held, returns, self.before)


def synthetic(name: str, samples: int, first: int, *, after: int = AFTER, ratio: float = 0.0) -> Sample:
    """Samples of a world of the calibration, one strategy each; the ratio is planted over the whole of it."""
    terms = {"n_bars": BEFORE + after, "n_strategies": 1, "information_ratio": ratio}
    made = [WORLDS[name](seed=first + k, **terms) for k in range(samples)]
    held = np.stack([world.held()[:, 0] for world in made], axis=1)
    begin = int(np.argmax(~np.isnan(held).any(axis=1)))
    returns = np.stack([world.returns for world in made], axis=1)
    return Sample.of(held[begin:], returns[begin:], BEFORE - begin)


def slow_on_averages(samples: int, first: int) -> Sample:
    """Slow signals that know nothing, on the monthly averages of a daily random walk (Working 1960)."""
    rng, n = np.random.default_rng([first, 1]), BEFORE + AFTER
    days = np.exp(np.cumsum(0.05 / sqrt(21) * rng.standard_normal(((n + 1) * 21, samples)), axis=0))
    prices = days.reshape(n + 1, 21, samples).mean(axis=1)
    return Sample.of(_slow(rng, n, samples), (prices[1:] / prices[:-1] - 1)[:, :, None])


def lived(metal: str, samples: int, first: int) -> Sample:
    """Slow signals that know nothing, on a price that was lived: registered in four years, twenty years each."""
    prices = pd.read_csv(PRICES, index_col="month")[f"{metal}_usd_oz"]
    rng, held, returns = np.random.default_rng([first, 2]), [], []
    for year in REGISTERED:
        part = prices.loc[f"{year - 20}-12" : f"{year + 20}-12"].pct_change().to_numpy()[1:]
        held.append(_slow(rng, len(part), samples // len(REGISTERED)))
        returns.append(np.repeat(part[:, None], held[-1].shape[1], axis=1))
    return Sample.of(np.hstack(held), np.hstack(returns)[:, :, None])


def _together(rows: Floats) -> Floats:
    return rows[:, :, 0] if rows.shape[2] == 1 else np.asarray(rows.mean(axis=2))


def _slow(rng: np.random.Generator, n: int, samples: int) -> Floats:
    return (autoregression(rng.standard_normal((n, samples)), 0.97, rng) > 0).astype(float)


WORLDS_FOLLOWED: dict[str, Draw] = {
    **{name: partial(synthetic, name) for name in WORLDS if name != "unequal_windows"},
    "slow signals, averages": slow_on_averages,
    **{f"{LIVED} {metal}": partial(lived, metal) for metal in ("gold", "silver", "platinum")},
}
OTHERS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "product of weight and return": alternatives.naive,
    "regression": alternatives.regression,
    "White's error": alternatives.white,
    "rotation": alternatives.rotation,
}


def falsely_supported(name: str, samples: int, first: int) -> Tally:
    """Whether each sample is ever supported within twenty years without an effect, in either direction."""
    sample = WORLDS_FOLLOWED[name](samples, first)
    plus, minus = sample.log_e_values()
    found: Tally = {"supported": _ever(plus), "supported, other sign": _ever(minus)}
    z, m = sample.active[sample.before :, :, 0], sample.returns[sample.before :, :, 0]
    for way, other in OTHERS.items():
        found[way], found[f"{way}, other sign"] = _ever(other(z, m)), _ever(other(z, -m))
    return found


def falsely_ruled_out(name: str, samples: int, first: int) -> Tally:
    """Whether each sample is ever ruled out within twenty years though its information ratio is 0.5.

    Over the whole forty years, of which the registration knew the first half. A lived price cannot have it.
    """
    if name not in WORLDS:
        return {}
    planted = synthetic(name, samples, first, ratio=PRIOR_RATIO)
    return {"ruled out": _ever(planted.log_e_values("opposing")[0])}


def months_to_decide(name: str, ratio: float, samples: int, first: int) -> Tally:
    """First month of the right word in each sample, infinite where none comes; and of a fixed sample whether it would.

    At a ratio of 0 the word is that what is worth having is ruled out.
    """
    sample = synthetic(name, samples, first, after=LONG)
    scale, covariance = sample.before_it()
    worth = PRIOR_RATIO / sqrt(MONTHS) * scale / covariance
    sample = sample.with_effect(ratio / PRIOR_RATIO * worth)
    looks, _ = sample.log_e_values("supporting" if ratio else "opposing")
    target = sample.returns if ratio else worth * sample.held - sample.returns
    z, m = sample.active[sample.before :, :, 0], target[sample.before :, :, 0]
    return {
        "months": _first(looks).tolist(),
        **{f"fixed {n}": _fixed(z[:n], m[:n]) for n in range(FIRST_LOOK, LONG + 1, 6)},
    }


def _fixed(active: Floats, returns: Floats) -> list[float]:
    """Whether a t test of so many months, looked at once, is significant at 5 %, one-sided."""
    psi = (active - active.mean(axis=0)) * (returns - returns.mean(axis=0))
    with np.errstate(all="ignore"):
        return (psi.sum(axis=0) / np.sqrt((psi**2).sum(axis=0)) > 1.645).astype(float).tolist()


def _ever(looks: Floats) -> list[float]:
    return (looks.max(axis=0) >= log(1 / LEVEL)).astype(float).tolist()


def _first(looks: Floats) -> Floats:
    reached = looks >= log(1 / LEVEL)
    return np.where(reached.any(axis=0), reached.argmax(axis=0) + 1.0, np.inf)


def missed(rates: Sequence[Rate]) -> list[str]:
    """What errs more often than the level by over two Monte-Carlo errors, of the rule that is in use.

    On lived prices the samples share a history or four, whose luck the Monte-Carlo error does not know: they are shown.
    """
    ours = [rate for rate in rates if rate.question.startswith(("supported", "ruled out"))]
    ours = [rate for rate in ours if not rate.world.startswith(LIVED)]
    return [f"{r.world}: {r.question} {r.text} %" for r in ours if r.rate > LEVEL + 2 * r.error]


def picture(decided: dict[float, Tally]) -> Chart:
    """Share of samples decided by month, and that of fixed samples of so many months."""
    roles: dict[float, Role] = {0.3: "metal", 0.5: "strategy", 1.0: "matched"}
    months = np.arange(1, LONG + 1)
    lines = []
    for ratio, tally in decided.items():
        first = np.array(tally["months"])
        share = [(first <= month).mean() for month in months]
        lines.append(Line(x=months / 12, y=share, label=f"{ratio:g} every month", role=roles[ratio], step=True))
        fixed = {int(key.split()[1]): float(np.mean(v)) for key, v in tally.items() if key.startswith("fixed")}
        x, y = np.array(list(fixed)) / 12, list(fixed.values())
        lines.append(Line(x=x, y=y, label=f"{ratio:g} once", role=roles[ratio], dash="dash"))
    return Chart(
        title="How long it takes until a claim that holds is supported",
        description="; ".join(f"{line.label}: {line.y[-1]:.0%} after forty years" for line in lines) + ".",
        caption="By information ratio a year, normal returns. Whole lines: 5 % over all looks. Dashed: one look.",
        x=Axis(title="Years since the registration", low=0.0),
        panels=(
            Panel(
                y=Axis(title="Supported", form="percent", low=0.0, high=1.0),
                marks=(Rule(at=0.5, axis="y", label="", role="ink", dash="dot"), *lines),
                height=280,
            ),
        ),
    )


def _median(tally: Tally) -> str:
    middle = float(np.median(tally["months"]))
    return f"{middle:.0f}" if middle < np.inf else f"over {LONG}"


def _half(tally: Tally) -> str:
    enough = [key.split()[1] for key, found in tally.items() if key.startswith("fixed") and np.mean(found) >= 0.5]
    return enough[0] if enough else f"over {LONG}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 0 if no word errs more often than it may by over two Monte-Carlo errors."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.registration.calibrate", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--samples", type=int, default=1000, help="a world (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first sample (default 0)")
    parser.add_argument("--keep", type=Path, help="folder of tallies: what lies there is not counted again")
    parser.add_argument("--pictures", type=Path, help="folder that gets following.svg")
    options = parser.parse_args(arguments)
    samples, seed, keep = options.samples, options.seed, options.keep
    rates: list[Rate] = []
    for name in WORLDS_FOLLOWED:
        key = f"{name.replace(' ', '_').replace(',', '')}-{seed}-{samples}"
        tally = kept(keep, f"follow/{key}", partial(falsely_supported, name, samples, seed))
        tally |= kept(keep, f"ruled/{key}", partial(falsely_ruled_out, name, samples // 2, seed))
        rates += [Rate.of(found, name.replace("_", " "), question) for question, found in tally.items()]
    ours = [rate for rate in rates if rate.question.startswith(("supported", "ruled out"))]
    print(f"A false word within {AFTER} months, looked at every month, {samples} samples a world, % of samples\n")
    print(table(ours) + "\n")
    print("Ever 20 where nothing is to be found, by other ways, % of samples\n")
    print(table([rate for rate in rates if rate not in ours]) + "\n")
    print("Median months to the word | looked at once, months with which half would have it\n")
    normal: dict[float, Tally] = {}
    for name in ("random_walk", "silver"):
        for ratio in (*RATIOS, 0.0):
            key = f"decide/{name}-{ratio:g}-{seed}-{samples // 4}"
            tally = kept(keep, key, partial(months_to_decide, name, ratio, samples // 4, seed))
            word = f"supported at {ratio:g}" if ratio else f"{PRIOR_RATIO:g} ruled out at 0"
            print(f"{name.replace('_', ' '):12} {word:18} {_median(tally):>9} | {_half(tally):>9}", flush=True)
            if name == "random_walk" and ratio:
                normal[ratio] = tally
    off = missed(rates)
    print("\n" + ("\n".join(["Missed by more than two Monte-Carlo errors:", *off]) if off else "No bar is missed."))
    if options.pictures is not None:
        save(picture(normal), options.pictures / "following.svg")
    return int(bool(off))


if __name__ == "__main__":
    raise SystemExit(main())
