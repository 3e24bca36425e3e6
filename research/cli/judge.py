"""``assay judge``: a backtest made elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import click

from research.cli.data import Reading
from research.cli.options import Judged
from research.cli.output import answer


def judge(
    file: Annotated[Path, click.Argument],
    metal: str,
    trials: int | None = None,
    kind: Annotated[Literal["weights", "returns", "equity", "trades"] | None, "--as"] = None,
    claims: list[str] | None = None,
    unit: Literal["percent", "fraction"] | None = None,
    *,
    reading: Reading,
    asked: Judged,
) -> None:
    """A backtest made elsewhere, by the same rules: weights and trades in our account, returns as they are.

    Parameters
    ----------
    file : FILE
        Weights, returns, equity or trades, as a table.
    metal : METAL
        What was traded.
    trials : N
        Variants that were looked at, this one among them.
    kind
        What it holds.
    claims : FIGURE
        'Sharpe 1.8', 'CAGR 22 %'; repeatable.
    unit
        Of weights or returns.
    """
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
