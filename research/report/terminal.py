"""Tables for the terminal, at most 120 columns wide. Nothing is computed here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, Column
from research.report.fitted import Row, coloured, fitted
from research.report.portfolio import account_rows, portfolio_lines
from research.report.study_words import (
    ACCOUNT_HEADINGS,
    ACCOUNTS,
    ACCOUNTS_NOTE,
    PERFORMANCE_NOTE,
    a_few,
    account_cells,
    by_metal,
    counted_words,
    not_run,
    note,
    since_words,
    study_lines,
)
from research.report.words import number, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.claims import Thesis
    from research.datasets.data import Data
    from research.ledger import Entry
    from research.report.columns import Answered
    from research.study import PortfolioTrial, Study, Trial

WIDTH = 120
ACCOUNT_COLUMNS = (
    "From",
    "Weight",
    "CAGR",
    "CAGR buy and hold",
    "CAGR matched exposure",
    "Sharpe",
    "Sharpe buy and hold",
    "Drawdown",
    "Drawdown buy and hold",
)


def print_study(study: Study, *, verbose: bool = False, overdue: Sequence[str] = ()) -> None:
    """The claims, the rows by metal, and on which terms; with ``verbose`` every account, reason and finding.

    ``overdue`` names the datasets for which a newer release is out.
    """
    console = plain_console()
    claims = [(f"{claim.id:<4} {claim.short}", claim) for claim in study.claims.values()]
    _print_judged(console, "Claim", claims, CLAIM_COLUMNS)
    console.print(Text(note(CLAIM_COLUMNS), style="dim"))
    for metal, trials in by_metal(study).items():
        console.print()
        _print_judged(console, metal.capitalize(), [(trial.name, trial) for trial in trials], ROW_COLUMNS)
    if study.portfolio is not None:
        console.print()
        _print_judged(console, "In one account", [("portfolio", study.portfolio)], ROW_COLUMNS)
    console.print(Text(note(ROW_COLUMNS), style="dim"))
    console.print()
    if verbose:
        _print_all(console, study)
    elif study.skipped:
        console.print(
            Text(f"{len(study.skipped)} rows were not run for want of data; --verbose says which", style="dim")
        )
    for line in study_lines(study):
        console.print(Text(line, style="dim"))
    if overdue:
        console.print(Text(f"newer releases are out of {a_few(overdue)}; assay data fetch", style="dim red"))
    told = Text.assemble((f"{counted_words(study)}.", "bold"))
    console.print(told if verbose else told.append(" The reasons and every finding: --verbose, or --html FILE."))


def _print_all(console: Console, study: Study) -> None:
    """Accounts, reasons, findings, and what was not run."""
    for metal, trials in by_metal(study).items():
        rows = [_account_row(trial) for trial in trials]
        _print_table(console, f"{metal.capitalize()}: after costs", ACCOUNT_COLUMNS, "r" * len(ACCOUNT_COLUMNS), rows)
        console.print()
        rows = [
            (f"{trial.name}, {ACCOUNTS[label]}", account_cells(row))
            for trial in trials
            for label, row in trial.performance.items()
        ]
        _print_table(console, "Every account", ACCOUNT_HEADINGS, "r" * len(ACCOUNT_HEADINGS), rows)
        console.print()
    console.print(Text(f"{ACCOUNTS_NOTE} {PERFORMANCE_NOTE}", style="dim"))
    console.print()
    for claim in study.claims.values():
        console.print(Text.assemble((f"{claim.id}: ", "bold"), coloured(str(claim.verdict))))
        for line in (claim.rests_on, since_words(claim)):
            if line:
                console.print(Text(f"  {line}", style="dim"))
    for trial in study.trials:
        console.print(Text.assemble((f"{trial.name}, {trial.metal}: ", "bold"), coloured(str(trial.verdict))))
        _print_findings(console, trial)
    if study.portfolio is not None:
        _print_portfolio(console, study.portfolio)
        console.print()
    for reason, names in not_run(study.skipped).items():
        console.print(Text(f"not run: {', '.join(names)}: {reason}", style="dim"))


def print_strategies(thesis: Thesis, available: Data) -> None:
    """Name, claim, inputs and what is missing of them."""
    console = plain_console()
    table = _table("Strategies", "Name", "Claim", "Needs", "Grid")
    for item in thesis.strategies.values():
        sentence = thesis.sentence_of(item)
        needs = Text()
        for identity in dict.fromkeys(i for metal in item.metals for i in item.inputs_for(metal).values()):
            here = identity in available
            needs.append(f"{identity}{'' if here else ' (missing)'}\n", style=None if here else "red")
        grid = "\n".join(f"{name}: {', '.join(map(str, values))}" for name, values in item.grid.items())
        about = f"{item.claim} [{sentence.id if sentence else thesis.kind_of(item)}; sign {item.expected_sign:+d}]"
        table.add_row(item.name, Text(about), needs, grid)
    console.print(table)


def print_trials(entries: Iterable[Entry]) -> None:
    """One line a trial, oldest first."""
    console = plain_console()
    table = _table("Trials", "When (UTC)", "Strategy", "Metal", "Parameters", "Period")
    for heading in ("Timing return", "Sharpe"):
        table.add_column(heading, justify="right")
    table.add_column("Verdict")
    for entry in entries:
        numbers = entry.numbers
        table.add_row(
            entry.at[:16].replace("T", " "),
            entry.strategy,
            entry.metal,
            ", ".join(f"{name}={value}" for name, value in entry.parameters.items()),
            f"{numbers['first_fill'][:7]} to {numbers['last_bar'][:7]}" if numbers else "",
            signed_percent(numbers.get("timing_return")),
            number(numbers.get("sharpe")),
            coloured(numbers.get("verdict", "declared")),
        )
    console.print(table)


def print_datasets(rows: Iterable[dict[str, Any]]) -> None:
    """What each dataset covers, who publishes it under which licence, and when a value becomes known."""
    console = plain_console()
    table = _table("Datasets", "Dataset", "Covers", "Rows", "Publisher, licence", "Known")
    told: list[str] = []
    for row in rows:
        late = f"\noverdue by {row['overdue_days']} days" if row["overdue_days"] else ""
        table.add_row(
            f"{row['id']}\n{row['unit']}",
            f"{row['first'][:7]} to\n{row['last'][:7]}",
            str(row["rows"]),
            f"{row['publisher']}; {row['licence']}",
            Text.assemble(row["release"], (late, "red")),
        )
        told += [row["quality"]] if row["quality"] else []
    console.print(table)
    for line in told:
        console.print(Text(line, style="dim"))


def _print_judged(
    console: Console, title: str, rows: Sequence[tuple[str, Answered]], columns: Sequence[Column]
) -> None:
    headings, aligns = [column.heading for column in columns], "".join(column.align for column in columns)
    cells = [(name, [column.cell(judged) for column in columns]) for name, judged in rows]
    _print_table(console, title, headings, aligns, cells)


def _print_table(console: Console, title: str, headings: Sequence[str], aligns: str, rows: Sequence[Row]) -> None:
    for line in fitted(title, headings, aligns, rows, console.width):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _account_row(trial: Trial) -> Row:
    """One line a strategy, beside the metal bought and held over the same bars."""
    own, hold = trial.performance["strategy"], trial.performance["buy_and_hold"]
    return trial.name, (
        f"{trial.result.first_fill:%Y-%m}",
        percent(own.exposure, 0),
        percent(own.cagr),
        percent(hold.cagr),
        percent(trial.performance["matched_exposure"].cagr),
        number(own.sharpe),
        number(hold.sharpe),
        percent(own.max_drawdown, 0),
        percent(hold.max_drawdown, 0),
    )


def _print_portfolio(console: Console, trial: PortfolioTrial) -> None:
    rows = [(row[0], row[1:]) for row in account_rows(trial)]
    title = f"One account, from {trial.result.first_fill:%Y-%m}"
    _print_table(console, title, ACCOUNT_HEADINGS, "r" * len(ACCOUNT_HEADINGS), rows)
    for line in portfolio_lines(trial):
        console.print(Text(line, style="dim"))
    console.print(Text.assemble(("portfolio: ", "bold"), coloured(str(trial.verdict))))


def _print_findings(console: Console, trial: Trial) -> None:
    table = _table("", "Finding", "In plain words")
    for heading in ("Estimate", "p", "n"):
        table.add_column(heading, justify="right")
    for finding in {**trial.findings, **trial.appendix}.values():
        table.add_row(
            f"{finding.name}\n",
            f"{finding.sentence} ({finding.reference})",
            number(finding.estimate, 3),
            p_value(finding.p_value),
            number(finding.effective_n, 0),
        )
    console.print(table)


def _table(title: str, *headings: str) -> Table:
    table = Table(
        title=title or None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for heading in headings:
        table.add_column(heading)
    return table


def plain_console() -> Console:
    """A console of at most ``WIDTH`` columns, the same width when piped."""
    width = min(WIDTH, int(os.environ.get("COLUMNS", WIDTH)))
    console = Console()
    return Console(width=min(width, console.width) if console.is_terminal else width)
