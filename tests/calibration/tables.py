"""What the counts say: tables in Markdown, the bars that they are held to, and two pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from research.report.chart import Axis, Chart, Line, Panel, Role, Rows, Rule
from tests.calibration.rate import Rate
from tests.calibration.tallies import Tally
from tests.calibration.words import WORTHWHILE, Cell
from tests.tools.standalone import standalone

AT_MOST = {"supported": 0.05, "contradicted": 0.025, "ruled out": 0.05}
IN_THE_HARD_WORLD = {"supported": 0.075, "contradicted": 0.05, "ruled out": 0.075}  # an unseen mean of 5 %
LOWER_END, UPPER_END, FOUND = (0.035, 0.065), (0.0, 0.065), (0.75, 0.85)

Range = tuple[float, float]
Counts = Mapping[Cell, Tally]


def no_effect(cell: Cell | str, tally: Tally) -> list[Rate]:
    """Rates of a world without an effect: families of the first three, claims of the rest."""
    wanted = (
        "supported", "contradicted", "any false word", "ruled out", "too few events", "lower end misses",
        "upper end misses", "lower end misses, if tested", "upper end misses, if tested",
    )  # fmt: skip
    return _rates(cell, tally, wanted)


def worth_having(cell: Cell, tally: Tally) -> list[Rate]:
    """Rates of the one claim that has an information ratio of 0.5."""
    return _rates(
        cell,
        tally,
        ("supported", "contradicted", "ruled out", "too few events", "lower end misses", "upper end misses"),
    )


def found(cell: Cell, tally: Tally) -> list[Rate]:
    """What the claim with an effect of the printed size passes, step by step."""
    return _rates(cell, tally, ("primary", "and shifted", "supported"))


def beside(cell: Cell, tally: Tally) -> list[Rate]:
    """Shares of single claims that other tests reject: the alpha of the judge before, and a naive t."""
    return _rates(cell, tally, ("alpha for", "alpha against", "naive for", "naive against"))


def _rates(cell: Cell | str, tally: Tally, questions: Iterable[str]) -> list[Rate]:
    return [Rate.of(tally[question], str(cell), question) for question in questions if tally.get(question)]


def missed(null: Counts, worth: Counts, planted: Counts) -> list[str]:
    """Every bar that a rate misses by more than two of its Monte-Carlo errors."""
    off: list[str] = []
    for cell, tally in null.items():
        bars = IN_THE_HARD_WORLD if cell.world == "unseen_mean_5" else AT_MOST
        limits: dict[str, Range] = {name: (0.0, bars[name]) for name in ("supported", "contradicted")}
        off += _outside(
            no_effect(cell, tally), limits | {"lower end misses": (0.0, 0.065), "upper end misses": UPPER_END}
        )
    for cell, tally in worth.items():
        bars = IN_THE_HARD_WORLD if cell.world == "unseen_mean_5" else AT_MOST
        limits = {"ruled out": (0.0, bars["ruled out"]), "lower end misses": LOWER_END, "upper end misses": UPPER_END}
        off += _outside(worth_having(cell, tally), limits)
    for cell, tally in planted.items():
        off += _outside(found(cell, tally), {"supported": FOUND})
    return off


def _outside(rates: Iterable[Rate], limits: Mapping[str, Range]) -> list[str]:
    return [
        f"{rate.world}: {rate.question} {rate.text}, not {100 * low:g} to {100 * high:g}"
        for rate in rates
        if rate.question in limits
        for low, high in [limits[rate.question]]
        if not low - 2 * rate.error <= rate.rate <= high + 2 * rate.error
    ]


def picture_of_sizes(null: Counts) -> Chart:
    """Families with a false `supported`, by world, beside the alpha of the judge before."""
    cells = [cell for cell in null if cell.n_bars == 480]
    rates = [Rate.of(null[cell]["supported"], str(cell), "supported") for cell in cells]
    old = [100 * float(np.mean(null[cell]["alpha for"])) for cell in cells]
    worst = max(rates, key=lambda rate: rate.rate)
    return Chart(
        title="How often any of ten claims without an effect is supported",
        description=f"{len(cells)} worlds of 480 months; the worst is {worst.world} with {worst.text} %.",
        caption="Dots: families with a false word, with two Monte-Carlo errors. Grey: the level, 5 %. "
        "At the right: single claims that the alpha of the first judge rejects at 5 %.",
        x=Axis(title="Families with a claim that is falsely supported (%)", form="percent", low=0.0, high=0.12),
        panels=(
            Panel(
                y=Axis(title=""),
                marks=(
                    Rows(
                        labels=[cell.world.replace("_", " ") for cell in cells],
                        notes=[f"alpha {share:.0f} %" for share in old],
                        estimates=[rate.rate for rate in rates],
                        lows=[max(0.0, rate.rate - 2 * rate.error) for rate in rates],
                        highs=[rate.rate + 2 * rate.error for rate in rates],
                        reach=[0.05] * len(cells),
                        label="Falsely supported",
                        role="strategy",
                    ),
                ),
                height=34 * len(cells),
            ),
        ),
    )


def picture_of_power(counts: Counts) -> Chart:
    """Share of families in which the one claim that has an effect is supported, by its size."""
    roles: tuple[Role, ...] = ("metal", "strategy", "matched")
    dashes: tuple[Literal["", "dash", "dot"], ...] = ("", "dash", "dot")
    lines = []
    for world, role, dash in zip(dict.fromkeys(cell.world for cell in counts), roles, dashes, strict=False):
        mine = {
            cell.effect: float(np.mean(tally["supported"])) for cell, tally in counts.items() if cell.world == world
        }
        x, y = [0.0, *mine], [0.0, *mine.values()]
        lines.append(Line(x=x, y=y, label=world.replace("_", " "), role=role, dash=dash))
    return Chart(
        title="How often one claim of ten that has an effect is supported",
        description="; ".join(f"{line.label}: {line.y[-1]:.0%} at {line.x[-1]:g}" for line in lines) + ".",
        caption="480 months, families of ten, through costs and the whole rule.",
        x=Axis(title="Planted information ratio a year", low=0.0),
        panels=(
            Panel(
                y=Axis(title="Supported (%)", form="percent", low=0.0, high=1.0),
                marks=(Rule(at=WORTHWHILE, axis="x", label="Worth having", role="ink"), *lines),
                height=260,
            ),
        ),
    )


def save(chart: Chart, path: Path) -> None:
    """Write a picture that stands alone, with its legend and caption."""
    path.write_text(standalone(chart), "utf-8")
