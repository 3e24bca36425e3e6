"""A study, strategies, datasets and trials in the terminal. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, columns
from research.report.console import plain_console, print_rows, print_table, said, say
from research.report.sentences import sentence
from research.report.study_words import (
    a_few,
    accounts,
    by_metal,
    findings_of,
    following_notes,
    head_lines,
    not_run,
    note,
    portfolio_lines,
    since_words,
    stale_lines,
    study_lines,
)

if TYPE_CHECKING:
    from research.brought import Brought
    from research.diagnostics.finding import Finding
    from research.ledger import Entry
    from research.registration.counting import Following
    from research.report.datasets import Row
    from research.study import PortfolioTrial, Study, Trial
    from research.study.today import Today

TESTS = ("p_adjusted", "p_with_record", "p_shifted", "cumulative_abnormal_return")
"""Findings that say nothing but a p-value."""


def print_study(study: Study, *, findings: bool = False, verbose: bool = False, overdue: Sequence[str] = ()) -> None:
    """The verdicts, the rows by metal, and on which terms.

    Parameters
    ----------
    findings
        Also each verdict's reason, first, and the accounts and the findings that decide.
    verbose
        Also the findings that do not decide.
    overdue
        The datasets for which a newer release is out.
    """
    console = plain_console()
    head = head_lines(study)
    for line in head:
        say(console, line, "dim")
    if findings or verbose:
        _print_reasons(console, study)
    console.print()
    claims = [(f"{claim.id:<4} {claim.short}", claim) for claim in study.claims.values()]
    print_rows(console, "Claim", claims, CLAIM_COLUMNS)
    for metal, trials in by_metal(study).items():
        console.print()
        print_rows(console, metal.capitalize(), [(trial.name, trial) for trial in trials], ROW_COLUMNS)
    if study.portfolio is not None:
        console.print()
        print_rows(console, "In one account", [("portfolio", study.portfolio)], ROW_COLUMNS)
    say(console, note((*CLAIM_COLUMNS, *ROW_COLUMNS)), "dim")
    if findings or verbose:
        for trial in study.trials:
            _print_accounts(console, f"{trial.name}, {trial.metal}", trial)
            _print_findings(console, trial, verbose=verbose)
        if study.portfolio is not None:
            _print_accounts(console, "In one account", study.portfolio, "thesis")
            for line in portfolio_lines(study.portfolio):
                say(console, line, "dim")
        say(console, " ".join(sentence(name) for name in ("notes.accounts", "notes.performance")), "dim")
    console.print()
    for line in study_lines(study)[len(head) :]:
        say(console, line, "dim")
    for reason, names in not_run(study.skipped).items():
        told = ", ".join(names) if findings or verbose else a_few(names)
        say(console, f"not run: {told}: {reason}", "dim")
    if overdue:
        say(console, f"newer releases are out of {a_few(overdue)}; assay data fetch", "dim red")


def print_brought(found: Brought) -> None:
    """A backtest made elsewhere: how it was read, its row, its accounts where it has some, and what stays open."""
    console = plain_console()
    for line in found.read:
        say(console, line)
    print_rows(console, found.metal.capitalize(), [(found.name, found)], ROW_COLUMNS)
    if found.study is not None:
        _print_accounts(console, "After costs", found.study.trials[0])
    told = [sentence("judge.figure", figure=figure) for figure in found.figures]
    told += [sentence("judge.same_bar", check=found.same_bar)] if found.same_bar is not None else []
    for line in (*told, *found.open):
        say(console, f"- {line}")
    for line in (note(ROW_COLUMNS), *(study_lines(found.study) if found.study is not None else ())):
        say(console, line)


def print_today(found: Today) -> None:
    """What is stale first, then one line a strategy and metal."""
    console = plain_console()
    for late in stale_lines(found):
        say(console, late, "red")
    named = [(f"{want.strategy}, {want.metal}", want) for want in found.wants]
    print_rows(console, f"{found.now:%Y-%m-%d %H:%M} UTC", named, columns("today"))
    say(console, sentence("notes.today"), "dim")
    for reason, names in not_run(found.skipped).items():
        say(console, f"not asked: {', '.join(names)}: {reason}", "dim")


def print_following(found: Following) -> None:
    """One line a claim on record, then what the numbers mean."""
    console = plain_console()
    named = [(f"{claim.registration.name}  {claim.registration.claim}", claim) for claim in found.claims]
    print_rows(console, "Since the registration", named, columns("followed"))
    for text in following_notes(found):
        say(console, text, "dim")


def print_strategies(rows: Iterable[Row]) -> None:
    """Name, claim, inputs and what is missing of them: of each the plain values of ``assay strategies --json``."""
    cells = []
    for row in rows:
        about = f"{row['claim']} [{row['tests'] or row['kind']}; sign {row['expected_sign']:+d}]"
        needs = dict.fromkeys(identity for ids in row["inputs"].values() for identity in ids.values())
        told = "\n".join(f"{identity} (missing)" if identity in row["missing"] else identity for identity in needs)
        grid = "\n".join(f"{name}: {', '.join(map(str, values))}" for name, values in row["grid"].items())
        cells.append((row["name"], (about, told, grid)))
    print_table(plain_console(), "Strategies", ("Claim", "Needs", "Grid"), "ttt", cells)


def print_trials(entries: Iterable[Entry]) -> None:
    """One line a trial, oldest first."""
    named = [(entry.at[:16].replace("T", " "), entry) for entry in entries]
    print_rows(plain_console(), "When (UTC)", named, columns("tried"))


def print_datasets(rows: Sequence[Row]) -> None:
    """What each dataset covers, who publishes it under which licence, and when a value becomes known."""
    console, cells = plain_console(), []
    for row in rows:
        late = f"\noverdue by {row['overdue_days']} days" if row["overdue_days"] else ""
        covers, publisher = f"{row['first'][:7]} to\n{row['last'][:7]}", f"{row['publisher']}; {row['licence']}"
        cells.append((row["id"], (row["unit"], covers, str(row["rows"]), publisher, f"{row['release']}{late}")))
    print_table(console, "Datasets", ("Unit", "Covers", "Rows", "Publisher, licence", "Known"), "tlrtt", cells)
    for row in rows:
        if row["quality"]:
            say(console, row["quality"], "dim")


def _print_reasons(console: Console, study: Study) -> None:
    """Each verdict and why; of a claim also what it rests on, and what came before the thesis and after."""
    for claim in study.claims.values():
        say(console, said(claim.id, str(claim.verdict)))
        for line in (claim.rests_on, since_words(claim)):
            if line:
                say(console, f"  {line}", "dim")
    told = {claim.id: str(claim.verdict) for claim in study.claims.values()}
    for trial in study.trials:
        if str(trial.verdict) != told[trial.claim]:
            say(console, said(f"{trial.name}, {trial.metal}", str(trial.verdict)))
    if study.portfolio is not None:
        say(console, said("portfolio", str(study.portfolio.verdict)))


def _print_accounts(console: Console, title: str, trial: Trial | PortfolioTrial, own: str = "strategy") -> None:
    """An account beside its benchmarks."""
    console.print()
    title = f"{title}: after costs, from {trial.result.first_fill:%Y-%m}"
    print_rows(console, title, accounts(trial, own), columns("accounts"))


def _print_findings(console: Console, trial: Trial, *, verbose: bool) -> None:
    """The findings that decide, with ``verbose`` all; of too few events none that rests on a p-value."""
    found = findings_of(trial, appendix=verbose).values()
    shown = [finding for finding in found if trial.shows_p_values or not _is_test(finding)]
    told = columns("findings", "Estimate", "p", "n", "with_source" if verbose else "in_plain_words")
    console.print()
    print_rows(console, "Findings", [(finding.name, finding) for finding in shown], told)
    if len(shown) < len(found):
        left = ", ".join(finding.name for finding in found if finding not in shown)
        say(console, f"too few events for a p-value, and so not shown: {left}", "dim")


def _is_test(finding: Finding) -> bool:
    return finding.p_value is not None or finding.name in TESTS
