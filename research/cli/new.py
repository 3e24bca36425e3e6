"""``assay new NAME``: a strategy, its test and a notebook, that run as they are and are there to be changed."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer

from research.cli.options import Json
from research.cli.output import conclude, print_json, print_lines
from research.errors import StrategyError


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower case with underscores: my_idea.")],
    as_json: Json = False,
) -> None:
    """A strategy module and its test that pass at once, and a notebook that uses it."""
    written = scaffold(name, Path())
    if as_json:
        print_json({"written": [str(file) for file in written]})
        return
    strategy, test, notebook = written
    print_lines(
        [
            f"wrote {strategy}: change the claim, the inputs and the signal",
            f"wrote {test}: run it with python -m pytest {test}",
            f"wrote {notebook}: open it with jupyter lab {notebook}",
        ]
    )
    conclude(
        "three files, which run as they are.", "an idea is best changed from one that works.", "backtest", str(strategy)
    )


def scaffold(name: str, folder: Path) -> tuple[Path, Path, Path]:
    """Write the three files of a new strategy into one folder.

    Raises
    ------
    StrategyError
        If the name is no name for a function, is taken, or a file is there already. Then nothing is written.
    """
    from research.datasets.store import write_atomically

    check_name(name)
    strategy, test, notebook = (folder / file for file in (f"{name}.py", f"test_{name}.py", f"{name}.ipynb"))
    for file in (strategy, test, notebook):
        if file.exists():
            raise StrategyError(f"{file}: is there already; choose another name, or move it away")
    contents = {
        strategy: STRATEGY.substitute(name=name),
        test: TEST.substitute(name=name),
        notebook: _notebook(name),
    }
    for file, content in contents.items():
        write_atomically(file, content.encode("utf-8"))
    return strategy, test, notebook


def check_name(name: str) -> None:
    """Raise a ``StrategyError`` unless a new strategy may be called so."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise StrategyError(
            f"{name!r}: no name for a strategy; use lower-case letters, digits and underscores, like my_idea"
        )
    from research.cli.options import thesis_in_force

    if name in thesis_in_force().strategies:
        raise StrategyError(f"{name!r}: there is a strategy of that name; choose another (see assay strategies)")


def _notebook(name: str) -> str:
    """A notebook in format 4.5 without outputs, as Jupyter itself would save it."""
    cells = [_cell(index, *cell, name) for index, cell in enumerate(NOTEBOOK)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(index: int, kind: str, text: str, name: str) -> dict[str, Any]:
    source = Template(text).substitute(name=name).splitlines(keepends=True)
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{index}", "metadata": {}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


STRATEGY = Template('''"""The idea in one sentence.

As it stands `assay backtest $name.py` answers *ruled out*, and its last lines say why: an effect worth having lies
outside what the record allows. Most ideas end there or at *undecidable*. Change the claim first and then the rule, run
it again, and let `assay check $name.py` look for the future in it. Whatever is tried is counted.
"""

from research import hold_while, strategy


@strategy(
    claim="While silver's implied lease rate stands above the mean of its last months, the price rises.",
    metal="silver",
    inputs={"lease": "silver_lease_rate"},  # `assay data` lists what there is; this one begins in 1978
    expected_sign=+1,
    falsifier="Holding silver only then earns no more than the same average exposure.",
    grid={"months": [6, 12]},  # every value that is tried counts, so list them all
)
def $name(panel, months=12):
    """Hold silver while the newest known lease rate stands above the mean of the last ``months`` known ones."""
    lease = panel["lease"]  # as known at each decision; NaN where it is not known, or too old
    average = lease.rolling(months, min_periods=months).mean()
    return hold_while(lease - average, above=0.0)  # where the number is unknown the period takes no part
''')

TEST = Template('''"""What $name must keep, whatever becomes of its idea."""

from pathlib import Path

import pandas as pd
import pytest

from research import UNKNOWN, backtest, open_data
from research.discovery import find_strategy

STRATEGY = find_strategy(str(Path(__file__).parent / "$name.py"))
METAL = STRATEGY.metals[0]


def weights(end=None):
    data = open_data()
    market = data.market(METAL, end=end)
    return STRATEGY.weights(data.panel(METAL, STRATEGY.inputs_for(METAL), market))


def test_weights_are_shares_of_the_account():
    decided = weights()
    decided = decided[decided != UNKNOWN].dropna()
    assert len(decided) > 0
    assert decided.between(-1, 1).all()


@pytest.mark.parametrize("end", ["2012-03", "2014-06", "2016-09", "2018-12", "2021-03", "2023-06"])
def test_the_past_does_not_change_when_more_is_known(end):
    earlier = weights(end)
    pd.testing.assert_series_equal(earlier, weights().loc[: earlier.index[-1]], check_freq=False)


def test_every_point_of_the_grid_can_be_judged():
    for parameters in STRATEGY.variants():
        trial = backtest(STRATEGY, metal=METAL, ledger=None, **parameters)
        assert str(trial.verdict.word) in ("supported", "contradicted", "ruled out", "undecidable")
''')

NOTEBOOK = [
    ("markdown", "# $name\n\nThe idea, what would refute it, and what the record says."),
    (
        "code",
        "from research import backtest, open_data\n"
        "from research.discovery import find_strategy\n"
        "from research.report import charts\n"
        "\n"
        "data = open_data()\n"
        'idea = find_strategy("$name.py")\n'
        "print(idea.claim)",
    ),
    ("code", "trial = backtest(idea, data)\ntrial"),
    (
        "markdown",
        "The word is not the end of it: under it stand the interval, what the rules could have found, and by when the "
        "claim can be decided. Change a parameter and run again. Every value that is tried is counted, those of the "
        "declared grid from the start, and any other from when it is tried.",
    ),
    ("code", "backtest(idea, data, months=6)"),
    ("markdown", "When it held metal, and what the metal did afterwards:"),
    ("code", "charts.signal(trial)"),
    ("code", "charts.event_study(trial)"),
]
