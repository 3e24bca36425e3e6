"""``assay judge``: a backtest made elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from research.cli.data import Reading
from research.cli.options import Judged, takes_groups
from research.cli.output import conclude, print_json, print_lines

if TYPE_CHECKING:
    from research.brought import Brought


@takes_groups
def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights, returns, equity or trades, as a table.")],
    metal: Annotated[str, typer.Option("--metal", metavar="METAL", help="What was traded.")],
    trials: Annotated[
        int | None, typer.Option(metavar="N", help="Variants that were looked at, this one among them.")
    ] = None,
    kind: Annotated[
        Literal["weights", "returns", "equity", "trades"] | None, typer.Option("--as", help="What it holds.")
    ] = None,
    claims: Annotated[
        list[str] | None, typer.Option(metavar="FIGURE", help="'Sharpe 1.8', 'CAGR 22 %'; repeatable.")
    ] = None,
    unit: Annotated[Literal["percent", "fraction"] | None, typer.Option(help="Of weights or returns.")] = None,
    *,
    reading: Reading,
    asked: Judged,
) -> None:
    """A backtest made elsewhere, by the same rules: weights and trades in our account, returns as they are."""
    from research.brought import judge as run
    from research.datasets.importing import ImportOptions

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
    if asked.as_json:
        print_json(found.to_json())
        return
    _print(found, asked)
    short = f"{found.name} on {metal}: {found.verdict.word}."
    conclude(short, found.verdict.reason, "new", "my_idea")  # as code it can be checked for look-ahead


def _print(found: Brought, asked: Judged) -> None:
    from research.report.columns import ROW_COLUMNS
    from research.report.console import plain_console, print_table
    from research.report.study_words import ACCOUNT_HEADINGS, ACCOUNTS, account_cells, note, study_lines

    print_lines(found.read, asked)
    console, cells = plain_console(), [column.cell(found) for column in ROW_COLUMNS]
    headings, aligns = [column.heading for column in ROW_COLUMNS], "".join(column.align for column in ROW_COLUMNS)
    print_table(console, found.metal.capitalize(), headings, aligns, [(found.name, cells)])
    terms = []
    if found.study is not None:
        accounts, terms = found.study.trials[0].performance.items(), study_lines(found.study)
        rows = [(ACCOUNTS[name], account_cells(account)) for name, account in accounts]
        print_table(console, "After costs", ACCOUNT_HEADINGS, "r" * len(ACCOUNT_HEADINGS), rows)
    print_lines(f"- {line}" for line in (*found.figures, found.same_bar, *found.open) if line is not None)
    print_lines([note(ROW_COLUMNS), *terms])
