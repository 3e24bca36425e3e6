"""``assay judge``: a backtest made elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from research.cli.command import argument, option
from research.cli.data import Reading
from research.cli.options import Judged
from research.cli.output import answer


def judge(
    file: Annotated[Path, argument(metavar="FILE", help="Weights, returns, equity or trades, as a table.")],
    metal: Annotated[str, option(metavar="METAL", help="What was traded.")],
    trials: Annotated[
        int | None, option(metavar="N", help="Variants that were looked at, this one among them.")
    ] = None,
    kind: Annotated[
        Literal["weights", "returns", "equity", "trades"] | None, option("--as", help="What it holds.")
    ] = None,
    claims: Annotated[list[str] | None, option(metavar="FIGURE", help="'Sharpe 1.8', 'CAGR 22 %'; repeatable.")] = None,
    unit: Annotated[Literal["percent", "fraction"] | None, option(help="Of weights or returns.")] = None,
    *,
    reading: Reading,
    asked: Judged,
) -> None:
    """A backtest made elsewhere, by the same rules: weights and trades in our account, returns as they are."""
    from research.brought import judge as run
    from research.datasets.importing import ImportOptions
    from research.report.terminal import print_brought

    found = run(
        file,
        metal=metal,
        data=asked.open(),
        trials=trials,
        kind=kind,
        claims=claims or (),
        options=ImportOptions(**asdict(reading), unit=unit),
        start=asked.start,
        end=asked.end,
        execution=asked.execution,
        rules=asked.rules,
        ledger=asked.ledger,
    )
    short = f"{found.name} on {metal}: {found.verdict.word}."
    ending = short, found.verdict.reason, "new", "my_idea"  # as code it can be checked for look-ahead
    answer(asked, found.to_json, partial(print_brought, found), *ending, same_data=False)
