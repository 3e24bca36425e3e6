"""``assay judge``: a backtest made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from research.cli.data import Column
from research.cli.options import Delay, End, Json, NoLedger, Packs, PriceName, Start, execution_of, open_packs
from research.cli.output import print_json

if TYPE_CHECKING:
    from research.brought import Brought

Trials = Annotated[
    int | None, typer.Option("--trials", metavar="N", help="Variants that were looked at, this one too.")
]
Kind = Annotated[Literal["weights", "returns", "equity", "trades"] | None, typer.Option("--as", help="What it holds.")]
Claims = Annotated[list[str] | None, typer.Option("--claims", metavar="FIGURE", help="'Sharpe 1.8'; repeatable.")]


def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights, returns, equity or trades, as a table.")],
    metal: Annotated[str, typer.Option("--metal", metavar="METAL", help="What was traded.")],
    trials: Trials = None,
    kind: Kind = None,
    claims: Claims = None,
    unit: Annotated[Literal["percent", "fraction"] | None, typer.Option(help="Of weights or returns.")] = None,
    date_column: Column = None,
    value_column: Column = None,
    sheet: Column = None,
    heading_row: Annotated[int | None, typer.Option(metavar="N", min=1, help="Line of the heading, from 1.")] = None,
    dates: Annotated[Literal["dmy", "mdy", "ymd"] | None, typer.Option(help="Order of day and month.")] = None,
    decimal: Annotated[Literal["point", "comma"] | None, typer.Option(help="Decimal sign.")] = None,
    start: Start = None,
    end: End = None,
    price: PriceName = None,
    delay: Delay = None,
    no_ledger: NoLedger = False,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """A backtest made elsewhere, by the same rules: weights and trades in our account, returns as they are."""
    from research.brought import judge as run
    from research.datasets.importing import ImportOptions
    from research.study import LEDGER

    columns = {"date_column": date_column, "value_column": value_column, "sheet": sheet, "heading_row": heading_row}
    options = ImportOptions(dates=dates, decimal=decimal, unit=unit, **columns)  # type: ignore[arg-type]
    terms = {"start": start, "end": end, "execution": execution_of(delay=delay)}
    data, ledger = open_packs(packs, price), None if no_ledger else LEDGER
    asked = {"trials": trials, "kind": kind, "claims": claims or (), "options": options, "ledger": ledger}
    found = run(file, metal=metal, data=data, **asked, **terms)  # type: ignore[arg-type]
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)


def _print(found: Brought) -> None:
    from rich.text import Text

    from research.report.columns import ROW_COLUMNS
    from research.report.fitted import coloured, fitted
    from research.report.study_words import ACCOUNT_HEADINGS, ACCOUNTS, account_cells, note, study_lines
    from research.report.terminal import plain_console

    console = plain_console()
    headings, aligns = [column.heading for column in ROW_COLUMNS], "".join(column.align for column in ROW_COLUMNS)
    row = found.name, [column.cell(found) for column in ROW_COLUMNS]
    lines = fitted(found.metal.capitalize(), headings, aligns, [row], console.width)
    if found.study is not None:
        accounts, names = found.study.trials[0].performance, {**ACCOUNTS, "strategy": found.name}
        rows = [(names[name], account_cells(account)) for name, account in accounts.items()]
        aligns = "r" * len(ACCOUNT_HEADINGS)
        lines = [*lines, Text(""), *fitted("After costs", ACCOUNT_HEADINGS, aligns, rows, console.width)]
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    console.print(Text.assemble((f"\n{found.name} on {found.metal}: ", "bold"), coloured(str(found.verdict))))
    for told in (*found.figures, *([found.same_bar] if found.same_bar else []), *found.open):
        console.print(Text(f"- {told}"))
    for said in (*found.read, *(study_lines(found.study) if found.study else []), note(ROW_COLUMNS)):
        console.print(Text(said, style="dim"))
