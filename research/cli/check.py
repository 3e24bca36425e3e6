"""``assay check``: whether a strategy is honest."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from research.cli.options import Json, Metals, Packs, open_packs, strategy_named, thesis_in_force
from research.cli.output import print_json
from research.errors import DataError, StrategyError

ALL = "all"


def check(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE|all", help="A strategy, by name or by file; or all.")],
    metals: Metals = None,
    cuts: Annotated[int, typer.Option("--cuts", min=2, help="Dates at which each history is cut.")] = 24,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """Look-ahead and contract checks; exit 1 with the leak named."""
    from research.check import check as run

    data = open_packs(packs)
    thesis = thesis_in_force()
    chosen = list(thesis.strategies.values()) if name == ALL else [strategy_named(name, thesis)]
    documents: list[dict[str, Any]] = []
    passed = True
    for strategy in chosen:
        wanted: list[str | None] = [*metals] if metals else [None]
        for metal in wanted:
            if name == ALL and metal is not None and metal not in strategy.metals:
                continue
            try:
                report = run(strategy, data, metal=metal, n_cuts=cuts)
            except DataError as error:
                if name != ALL:
                    raise
                documents.append({"strategy": strategy.name, "passed": None, "not_checked": str(error)})
                _say(f"{strategy.name}: not checked: {error}", as_json)
                continue
            passed &= report.passed
            documents.append(report.to_json())
            _say(str(report), as_json)
    if not documents:
        raise StrategyError(f"check {name}: no strategy claims anything about {', '.join(metals or [])}")
    if as_json:
        print_json(documents if name == ALL or len(documents) > 1 else documents[0])
    if not passed:
        raise typer.Exit(1)


def _say(text: str, as_json: bool) -> None:
    if not as_json:
        typer.echo(text)
