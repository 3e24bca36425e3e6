"""Tables for the terminal, at most 100 columns wide. Nothing is computed here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, Column
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
    study_lines,
)
from research.report.words import number, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.ledger import Entry
    from research.report.columns import Answered
    from research.study import PortfolioTrial, Study, TestedClaim, Trial
    from research.thesis import Strategy

WIDTH = 100
COLOURS = {"supported": "green", "contradicted": "red", "ruled out": "yellow", "undecidable": "cyan"}


def print_study(study: Study, *, verbose: bool = False, overdue: Sequence[str] = ()) -> None:
    """The verdict table and what each account did, on which terms; with ``verbose`` every account and finding.

    ``overdue`` names the datasets for which a newer release is out.
    """
    console = plain_console()
    for line in study_lines(study):
        console.print(Text(line, style="dim"))
    if overdue:
        console.print(Text(f"newer releases are out of {a_few(overdue)}; assay data fetch", style="dim red"))
    console.print()
    for claim in study.claims.values():
        console.print(Text.assemble((f"{claim.id}  ", "bold"), claim.sentence))
    console.print()
    console.print(_claim_table(study.claims.values()))
    console.print(Text(note(CLAIM_COLUMNS), style="dim"))
    for metal, trials in by_metal(study).items():
        console.print()
        console.print(_verdict_table(metal, trials))
    console.print(Text(note(ROW_COLUMNS), style="dim"))
    for metal, trials in by_metal(study).items():
        console.print()
        console.print(_every_account(metal, trials) if verbose else _accounts(metal, trials))
    console.print(Text(PERFORMANCE_NOTE if verbose else ACCOUNTS_NOTE, style="dim"))
    console.print()
    for claim in study.claims.values():
        if verbose or str(claim.verdict.word) in ("supported", "contradicted"):
            console.print(Text.assemble((f"{claim.id}: ", "bold"), _coloured(str(claim.verdict))))
    if verbose:
        for trial in study.trials:
            console.print(Text.assemble((f"{trial.name}, {trial.metal}: ", "bold"), _coloured(str(trial.verdict))))
            _print_findings(console, trial)
    if study.portfolio is not None:
        _print_portfolio(console, study.portfolio)
        console.print()
    for reason, names in not_run(study).items():
        console.print(Text(f"not run: {', '.join(names)}: {reason}", style="dim"))
    told = Text.assemble((f"{counted_words(study)}.", "bold"))
    console.print(told if verbose else told.append(" The reasons and every finding: --verbose, or --html FILE."))


def print_strategies(strategies: Iterable[Strategy], available: Data) -> None:
    """Name, claim, inputs and what is missing of them."""
    console = plain_console()
    table = _table("Strategies", "Name", "Claim", "Needs", "Grid")
    for item in strategies:
        needs = Text()
        for identity in dict.fromkeys(i for metal in item.metals for i in item.inputs_for(metal).values()):
            here = identity in available
            needs.append(f"{identity}{'' if here else ' (missing)'}\n", style=None if here else "red")
        grid = "\n".join(f"{name}: {', '.join(map(str, values))}" for name, values in item.grid.items())
        about = f"{item.claim} [{', '.join(item.claims) or item.role}; sign {item.expected_sign:+d}]"
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
            _coloured(numbers.get("verdict", "declared")),
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


def _claim_table(claims: Iterable[TestedClaim]) -> Table:
    """Two lines a claim: the sentence, and its numbers."""
    table = _table("The claims")
    table.add_column("Claim", no_wrap=True)
    _add_columns(table, CLAIM_COLUMNS)
    for claim in claims:
        table.add_row(claim.id, *_cells(claim, CLAIM_COLUMNS))
    return table


def _verdict_table(metal: str, trials: Iterable[Trial]) -> Table:
    table = _table(f"{metal.capitalize()}: rows")
    table.add_column("Strategy", no_wrap=True)
    _add_columns(table, ROW_COLUMNS)
    for trial in trials:
        table.add_row(trial.name, *_cells(trial, ROW_COLUMNS))
    return table


def _add_columns(table: Table, columns: Sequence[Column]) -> None:
    for column in columns:
        table.add_column(column.heading, justify="right" if column.align == "r" else "left", no_wrap=True)


def _cells(judged: Answered, columns: Sequence[Column]) -> list[Text]:
    return [_coloured(column.cell(judged)) for column in columns]


def _accounts(metal: str, trials: Iterable[Trial]) -> Table:
    """One line a strategy, beside the metal bought and held over the same bars."""
    table = _table(f"{metal.capitalize()}: after costs, beside buy-and-hold over the same time")
    table.add_column("Strategy", no_wrap=True)
    for heading in ("From", "Weight", "CAGR", "held", "mix", "Sharpe", "held", "Drawdown", "held"):
        table.add_column(heading, justify="right", no_wrap=True)
    for trial in trials:
        own, hold = trial.performance["strategy"], trial.performance["buy_and_hold"]
        table.add_row(
            trial.name,
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
    return table


def _every_account(metal: str, trials: Iterable[Trial]) -> Table:
    table = _table(f"{metal.capitalize()}: what each account did")
    table.add_column("Account", no_wrap=True)
    for heading in ACCOUNT_HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for trial in trials:
        for label, row in trial.performance.items():
            strategy = label == "strategy"
            table.add_row(
                f"{trial.name} {trial.result.first_fill:%Y-%m}" if strategy else f"  {ACCOUNTS[label]}",
                *account_cells(row),
                style="bold" if strategy else "",
                end_section=label == "bills",
            )
    return table


def _print_portfolio(console: Console, trial: PortfolioTrial) -> None:
    table = _table(f"The thesis as one portfolio (C20), from {trial.result.first_fill:%Y-%m}")
    table.add_column("Account", no_wrap=True)
    for heading in ACCOUNT_HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in account_rows(trial):
        table.add_row(*row)
    console.print(table)
    for line in portfolio_lines(trial):
        console.print(Text(line, style="dim"))
    console.print(Text.assemble(("portfolio: ", "bold"), _coloured(str(trial.verdict))))


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


def _coloured(text: str) -> Text:
    word = next((word for word in COLOURS if text.startswith(word)), "")
    result = Text(text)
    if word:
        result.stylize(f"bold {COLOURS[word]}", 0, len(word))
    return result


def plain_console() -> Console:
    """A console of at most ``WIDTH`` columns, the same width when piped."""
    width = min(WIDTH, int(os.environ.get("COLUMNS", WIDTH)))
    console = Console()
    return Console(width=min(width, console.width) if console.is_terminal else width)
