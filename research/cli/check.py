"""``assay check``: whether a strategy is honest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli.options import Json, Metals, Packs, open_packs, parameters_of, strategy_named, thesis_in_force
from research.cli.output import print_json
from research.errors import AssayError, StrategyError

if TYPE_CHECKING:
    from research.thesis import Strategy

ALL = "all"
UNCHECKED = 3


def check(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE|all", help="A strategy, by name or by file; or all.")
    ] = None,
    metals: Metals = None,
    params: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="Only this cell, and not the whole grid; repeatable."),
    ] = None,
    cuts: Annotated[
        int | None, typer.Option("--cuts", min=2, help="Dates at which each history is cut; default: 24 or more.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Cut wherever a cell acts, and test every cell at every cut.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Check a strategy that looks one month ahead.")] = False,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """Look-ahead and contract checks. Exit 0: honest; 1: a leak, which is named; 3: something was left unchecked."""
    chosen = _chosen(name, metals, demo)
    from research.lookahead import check as run

    data = open_packs(packs)
    parameters = parameters_of(params) if params else None
    documents: list[dict[str, Any]] = []
    words: list[str] = []
    unchecked = 0
    for number, strategy in enumerate(chosen, 1):
        wanted: list[str | None] = [*(metal for metal in metals or () if name != ALL or metal in strategy.metals)]
        for metal in wanted if metals else [None]:
            if len(chosen) > 1:
                typer.echo(f"{number} of {len(chosen)}: {strategy.name}", err=True)
            try:
                report = run(strategy, data, metal=metal, parameters=parameters, n_cuts=cuts, everything=everything)
            except AssayError as error:
                if name != ALL:
                    raise
                documents.append({"strategy": strategy.name, "word": "not checked", "why": str(error)})
                words.append("not checked")
                _say(f"{strategy.name}: not checked: {error}", as_json)
                continue
            words.append(report.word)
            unchecked += report.word == "honest" and not report.complete
            documents.append(report.to_json())
            _say(str(report), as_json)
    if len(words) > 1:
        counts = {word: words.count(word) for word in ("honest", "NOT HONEST", "nothing to check", "not checked")}
        said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        part = f"; {unchecked} of the honest in part only" if unchecked else ""
        _say(f"{len(words)} checked: {said}{part}" if name != ALL else f"all {len(words)}: {said}{part}", as_json)
    if as_json:
        print_json(documents if name == ALL or len(documents) > 1 else documents[0])
    if "NOT HONEST" in words:
        raise typer.Exit(1)
    if unchecked or any(word != "honest" for word in words):
        raise typer.Exit(UNCHECKED)


def _chosen(name: str | None, metals: list[str] | None, demo: bool) -> list[Strategy]:
    """The strategies that were asked for."""
    if demo:
        from research.lookahead.demo import looks_one_month_ahead

        return [looks_one_month_ahead]
    if name is None:
        raise StrategyError("check: no strategy is named; write assay check NAME, FILE or all, or --demo")
    thesis = thesis_in_force()
    if name != ALL:
        return [strategy_named(name, thesis)]
    chosen = [s for s in thesis.strategies.values() if not metals or set(metals) & set(s.metals)]
    if not chosen:
        raise StrategyError(f"check all: no strategy claims anything about {', '.join(metals or [])}")
    return chosen


def _say(text: str, as_json: bool) -> None:
    if not as_json:
        typer.echo(text)
