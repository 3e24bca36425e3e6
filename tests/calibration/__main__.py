"""``python -m research.calibration``: print how often the judge is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from research.calibration.cases import cases
from research.calibration.families import N_BARS, null_rates, power_rates
from research.calibration.rate import Rate, across, down
from research.calibration.sizes import size_rates

from research import calibration
from research.synthetic import WORLDS

PLANTED_IN = ("random_walk", "garch", "clustered_events")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 0 if no family-wise rate of false ``supported`` is above 5 % by more than chance."""
    parser = argparse.ArgumentParser(
        prog="python -m research.calibration", description=(calibration.__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--samples", type=int, default=200, help="samples a world (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first world (default 0)")
    parser.add_argument("--only", choices=("families", "power", "sizes"), help="one table instead of all three")
    options = parser.parse_args(arguments)
    samples, seed, only, out = options.samples, options.seed, options.only, sys.stdout
    if samples < 1:
        parser.error("--samples: at least 1")
    false_words = False
    if only in (None, "families"):
        null = [rate for name in WORLDS for rate in null_rates(name, samples=samples, seed=seed)]
        out.write(f"{samples} families of ten strategies without merit, {N_BARS} months, one-sided level 5 %\n\n")
        out.write(across(null) + "\n\n")
        false_words = any(_too_often(rate) for rate in null)
    if only in (None, "power"):
        planted = [rate for name in PLANTED_IN for rate in power_rates(name, samples=samples, seed=seed)]
        out.write(f"One strategy of ten has an effect, an information ratio a year; {samples} families\n\n")
        out.write(across(planted) + "\n\n")
    if only in (None, "sizes"):
        out.write(f"Every p-value at 5 % and every interval, {samples} samples of {N_BARS} months\n\n")
        out.write(down(size_rates(cases(), samples=samples, seed=seed)) + "\n")
    return int(false_words)


def _too_often(rate: Rate) -> bool:
    return rate.question == "any of ten falsely supported" and rate.rate > (rate.target or 0) + 3 * rate.error


if __name__ == "__main__":
    raise SystemExit(main())
