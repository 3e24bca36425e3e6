"""``python -m tests.calibration``: print how often the judge is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tests import calibration
from tests.calibration import real, tables
from tests.calibration.cases import cases
from tests.calibration.rate import Rate, down, table
from tests.calibration.sizes import size_rates
from tests.calibration.tallies import Tally, kept, together
from tests.calibration.words import FOUND, NO_EFFECT, POWER, WORTH_HAVING, Cell, tally
from tests.calibration.worlds import MONTHS

PARTS = ("words", "real", "sizes")
CHUNK = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 0 if no bar is missed by more than two Monte-Carlo errors."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.calibration", description=(calibration.__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="words, real, sizes; all by default")
    parser.add_argument("--samples", type=int, default=400, help="families a world, signals a price (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="of the first sample (default 0)")
    parser.add_argument("--keep", type=Path, help="folder of tallies: what lies there is not counted again")
    parser.add_argument("--pictures", type=Path, help="folder that gets sizes.svg and power.svg")
    options = parser.parse_args(arguments)
    if options.samples < 1:
        parser.error("--samples: at least 1")
    wanted = options.parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(PARTS)}")
    off: list[str] = []
    if "words" in wanted:
        off += _words(options.samples, options.seed, options.keep, options.pictures)
    if "real" in wanted:
        _real(options.samples, options.seed, options.keep)
    if "sizes" in wanted:
        _say(f"Every p-value at 5 % and every interval, {options.samples} samples of 480 months")
        _say(down(size_rates(cases(), samples=options.samples, seed=options.seed)))
    return int(bool(off))


def _words(samples: int, seed: int, folder: Path | None, pictures: Path | None) -> list[str]:
    null = {cell: _counted(cell, samples, seed, folder) for cell in NO_EFFECT}
    fewer = max(1, samples // 2)
    worth = {cell: _counted(cell, fewer, seed, folder) for cell in WORTH_HAVING}
    planted = {
        cell: _counted(  # in short records few claims have events enough to be counted
            cell, fewer if cell.n_bars >= 480 else 2 * samples, seed, folder, null[replace(cell, effect=0.0)]
        )
        for cell in FOUND
    }
    _say("Ten claims without an effect: % of families with a false word, % of claims for the rest")
    _say(table(_all(tables.no_effect(cell, found) for cell, found in null.items())))
    _say("The same by other tests, one-sided 5 %, % of claims: the first judge's alpha, and a naive t")
    _say(table(_all(tables.beside(cell, found) for cell, found in null.items())))
    _say("One claim of ten has an information ratio of 0.5: % of such claims")
    _say(table(_all(tables.worth_having(cell, found) for cell, found in worth.items())))
    _say("One claim of ten has the size that the judge says it finds in 80 %: % of such claims")
    sizes = {str(cell): float(np.nanmedian(found["planted"])) for cell, found in planted.items()}
    _say(table(_all(tables.found(cell, found) for cell, found in planted.items()), "world"))
    _say("Planted in the median: " + "; ".join(f"{name} {size:.2f}" for name, size in sizes.items()))
    off = tables.missed(null, worth, planted)
    _say("\n".join(["Missed by more than two Monte-Carlo errors:", *off]) if off else "No bar is missed.")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        power = {cell: _counted(cell, fewer, seed, folder) for cell in POWER}
        tables.save(tables.picture_of_sizes(null), pictures / "sizes.svg")
        tables.save(tables.picture_of_power(power), pictures / "power.svg")
    return off


def _counted(cell: Cell, samples: int, seed: int, folder: Path | None, without: Tally | None = None) -> Tally:
    """In parts of a hundred samples, each kept when it is done; of days a fifth as many."""
    most = samples if cell.n_bars < 1000 else max(1, samples // 5)
    parts = []
    for first in range(seed, seed + most, CHUNK):
        n = min(CHUNK, seed + most - first)
        key = f"{cell.key}-{first}" if n == CHUNK else f"{cell.key}-{first}-{n}"
        parts.append(kept(folder, f"words/{key}", partial(tally, cell, n, first, without=without)))
    print(f"\r{cell}, effect {cell.effect:g}".ljust(70), end="", file=sys.stderr, flush=True)
    return together(parts)


def _real(samples: int, seed: int, folder: Path | None) -> None:
    alone: list[Rate] = []
    words: list[Rate] = []
    pooled: dict[str, list[Tally]] = {}
    for history in real.HISTORIES:
        if history.missing:
            _say(history.missing)
            continue
        families = max(1, samples // (25 if history.year == MONTHS else 60))
        for kind in real.SIGNALS:
            name = f"{history.name}, {kind}"
            key = f"{name.replace(', ', '-').replace(' ', '_')}-{seed}"
            by_statistic = partial(real.statistic_alone, history, kind, samples, seed)
            tally = kept(folder, f"real/alone-{key}-{samples}", by_statistic)
            alone += [Rate.of(found, name, question) for question, found in tally.items()]
            by_judge = partial(real.to_the_word, history, kind, families, seed)
            judged = kept(folder, f"real/words-{key}-{families}", by_judge)
            words += tables.no_effect(name, judged)
            if kind != "of past prices":
                pooled.setdefault(
                    f"all that know nothing, {'months' if history.year == MONTHS else 'days'}", []
                ).append(judged)
    _say("Random signals on real prices, before costs, one-sided 5 %, % of signals")
    _say(table(alone))
    _say("Families of ten of them through the account: % of families with a false word, % of claims for the rest")
    _say(table(words + _all(tables.no_effect(name, together(found)) for name, found in pooled.items())))


def _all(rates: Iterable[list[Rate]]) -> list[Rate]:
    return [rate for some in rates for rate in some]


def _say(text: str) -> None:
    print(text + "\n", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
