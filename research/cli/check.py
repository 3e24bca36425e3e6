"""``assay check``: whether a strategy looks ahead."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import click

from research.cli.options import Dated, Variant, strategy_named, thesis_in_force
from research.cli.output import answer, print_lines
from research.errors import AssayError, StrategyError

if TYPE_CHECKING:
    from research.lookahead.report import CheckReport
    from research.thesis import Strategy

ALL = "all"
UNCHECKED = 3
OUTCOMES = ("passed", "failed", "nothing to check", "not checked")


def check(
    name: Annotated[str | None, click.Argument] = None,
    *,
    variant: Variant,
    cuts: Annotated[int | None, click.IntRange(min=2)] = None,
    everything: Annotated[bool, "--all"] = False,
    demo: bool = False,
    asked: Dated,
) -> None:
    """Look-ahead and contract checks. Exit 0: passed; 1: a leak, which is named; 3: something was left unchecked.

    Parameters
    ----------
    name : NAME|FILE|all
        A strategy, by name or by file; or all.
    cuts
        Dates at which each history is cut; default: 24 or more.
    everything
        Cut wherever a cell acts, and test every cell at every cut.
    demo
        Check a strategy that looks one month ahead.
    """
    metals = variant.metals
    chosen = _chosen(name, metals, demo)
    parameters = ({"months": -1} if demo else {}) | variant.parameters or None
    from research.lookahead import check as run

    data = asked.open()
    reports: list[CheckReport] = []
    failed: dict[str, str] = {}
    if not asked.as_json:
        print_lines((), asked)
    for number, strategy in enumerate(chosen, 1):
        wanted: list[str | None] = [metal for metal in metals or () if name != ALL or metal in strategy.metals]
        if len(chosen) > 1:
            click.echo(f"{number} of {len(chosen)}: {strategy.name}", err=True)
        for metal in wanted or [None]:
            terms = {"metal": metal, "parameters": parameters, "start": asked.start, "end": asked.end}
            try:
                report = run(strategy, data, **terms, n_cuts=cuts, everything=everything)  # type: ignore[arg-type]
            except AssayError as error:
                if name != ALL:
                    raise
                failed[strategy.name] = str(error)
                told = f"{strategy.name}: not checked: {error}"
            else:
                reports.append(report)
                told = str(report)
            if not asked.as_json:
                print_lines(told.splitlines())
    outcomes = Counter([report.outcome for report in reports] + ["not checked"] * len(failed))
    partly = [report for report in reports if report.passed and not report.complete]

    def document() -> object:
        unread = [{"strategy": who, "outcome": "not checked", "why": why} for who, why in failed.items()]
        documents = [*(report.to_json() for report in reports), *unread]
        return documents if name == ALL or len(documents) > 1 else documents[0]

    answer(
        replace(asked, config=""),  # which stands over the first report
        document,
        (),
        *_ending(reports, outcomes, len(partly), "" if demo else str(name)),
        status=1 if outcomes["failed"] else UNCHECKED if partly or outcomes.total() > outcomes["passed"] else 0,
    )


def _chosen(name: str | None, metals: list[str] | None, demo: bool) -> list[Strategy]:
    """The strategies that were asked for."""
    if (name is None) is not demo:
        raise StrategyError("check: name one strategy; write assay check NAME, FILE or all, or --demo alone")
    if demo:
        from research.lookahead.demo import looks_one_month_back

        return [replace(looks_one_month_back, name="looks_one_month_ahead")]
    thesis = thesis_in_force()
    if name != ALL:
        return [strategy_named(str(name), thesis)]
    chosen = [s for s in thesis.strategies.values() if not metals or set(metals) & set(s.metals)]
    if not chosen:
        raise StrategyError(f"check all: no strategy claims anything about {', '.join(metals or [])}")
    return chosen


def _ending(reports: list[CheckReport], outcomes: Counter[str], partly: int, name: str) -> list[str]:
    """The count, the clearest fault or how much was looked at, and what follows."""
    from research.report.sentences import plural

    counted = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in OUTCOMES if outcomes[outcome])
    short = (f"all {outcomes.total()}" if name == ALL else f"{outcomes.total()} checked") + f": {counted}"
    if partly:
        short += f"; {partly} of the passed in part only"
    if outcomes.total() == 1 and reports:
        short = f"{reports[0].strategy}: {reports[0].outcome}"
    faults = [leak.cause for report in reports for leak in report.leaks]
    faults += [violation.cause for report in reports for violation in report.violations]
    why = f"no output moved with its future: {reports[0].coverage}." if reports else "nothing could be looked at."
    if faults:
        why = f"{plural(len(faults), 'fault')}; the first: {faults[0]}."
    following = ["check" if faults and name else "backtest", name or "--demo"]
    return [f"{short}.", why, *(["compare"] if name == ALL else following)]
