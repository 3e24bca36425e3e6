"""The identity of a strategy: what it computes, and nothing else; the same wherever it is written."""

import functools
import linecache
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research import compare, open_data, strategy
from research.discovery import all_strategies, find_strategy
from research.errors import StrategyError
from research.ledger import Ledger
from research.provenance import hash_table, identity, versions
from tests.zoo import enclosure

REPOSITORY = Path(__file__).resolve().parents[1]
HEAD = """
    import numpy as np
    import pandas as pd
    from research import strategy
    declare = strategy(claim="c", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1)
"""
PLAIN = """
    @declare
    def idea(panel, months=12):
        price = panel["price"]
        past = price.shift(months)
        return (price > past).astype(float).where(past.notna())
"""
_cells = iter(range(10_000))


def cell(*texts, space=None):
    """Run source as a notebook does: in a namespace that stays, with the source at hand under a name of its own."""
    space = {"__name__": "__main__"} if space is None else space
    source = "\n".join(map(textwrap.dedent, texts))
    name = f"<cell {next(_cells)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), space)
    return space


def told(*texts):
    return identity(cell(HEAD, *texts)["idea"])


SAME = {
    "comments": PLAIN.replace('price = panel["price"]', 'price = panel["price"]  # of the metal'),
    "a docstring": PLAIN.replace('price = panel["price"]', '"""Rises on."""\n        price = panel["price"]'),
    "annotations": PLAIN.replace("(panel, months=12):", "(panel, months: int = 12) -> pd.Series:").replace(
        "past = ", "past: pd.Series = "
    ),
    "local names": PLAIN.replace("past", "before")
    .replace("price =", "p =")
    .replace("price.", "p.")
    .replace("(price", "(p"),
    "the panel's name": PLAIN.replace("panel", "known"),
    "its own name": PLAIN.replace("def idea", "def other") + "\n    idea = other",
    "layout": PLAIN.replace("price.shift(months)", "(\n            price\n            .shift(months)\n        )"),
    "quotes and numerals": PLAIN.replace('"price"', "'price'").replace("months=12", "months=1_2"),
    "pass": PLAIN.replace("past = price", "pass\n        past = price"),
}
OTHER = {
    "a constant": PLAIN.replace("price > past", "price > 1.01 * past"),
    "a default": PLAIN.replace("months=12", "months=6"),
    "an operator": PLAIN.replace("price > past", "price >= past"),
    "an attribute": PLAIN.replace(".notna()", ".isna()"),
    "two locals exchanged": PLAIN.replace("price > past", "past > price"),
    "a parameter's name": PLAIN.replace("months", "n_months"),
    "an input": PLAIN.replace(
        "@declare", "@strategy(claim='c', metal='gold', inputs={'price': 'gold_spot'}, expected_sign=1)"
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_what_computes_nothing_changes_nothing(what):
    assert SAME[what] != PLAIN
    assert told(SAME[what]) == told(PLAIN)


@pytest.mark.parametrize("what", OTHER)
def test_what_computes_counts(what):
    assert OTHER[what] != PLAIN
    assert told(OTHER[what]) != told(PLAIN)


NAMED_ALIKE = """
    @declare
    def idea(panel):
        from math import sqrt
        shift = panel["price"]
        math = sqrt(2.0)
        match shift:
            case pd.Series(name=found):
                return shift.shift(3) * math * found
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("shift = panel", "x = panel", True),  # the attribute keeps its name
        ("math = sqrt", "m = sqrt", True),  # so does the module
        ("found", "name", True),  # and what is matched by name
        ("shift.shift(3)", "shift.diff(3)", False),
        ("from math", "from cmath", False),
        ("name=found", "index=found", False),
    ],
)
def test_a_local_name_may_be_that_of_something_else(old, new, same):
    renamed = {"x = panel": ("shift:", "x:", "shift.shift", "x.shift"), "m = sqrt": ("* math", "* m")}.get(new, ())
    text = NAMED_ALIKE.replace(old, new)
    for one, another in zip(renamed[::2], renamed[1::2], strict=True):
        text = text.replace(one, another)
    assert text != NAMED_ALIKE
    assert (told(text) == told(NAMED_ALIKE)) is same


def test_it_is_the_same_in_a_cell_a_file_a_module_and_without_its_source(tmp_path, monkeypatch):
    source = textwrap.dedent(HEAD) + textwrap.dedent(PLAIN)
    (tmp_path / "in_a_file.py").write_text("\n\n# moved down\n" + source)
    (tmp_path / "as_module_for_identity.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    import as_module_for_identity

    wanted = told(PLAIN)
    assert identity(find_strategy(str(tmp_path / "in_a_file.py"))) == wanted
    assert identity(as_module_for_identity.idea) == wanted
    code = (
        f"from research.provenance import identity\nfrom research.discovery import find_strategy\n"
        f"print(identity(find_strategy({str(tmp_path / 'in_a_file.py')!r})))"
    )
    for flags in ([], ["-OO"]):
        ran = subprocess.run(
            [sys.executable, *flags, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == wanted


def test_without_its_source_constants_still_count_and_names_do_not():
    def made(text):
        space = {"__name__": "__main__"}
        exec(textwrap.dedent(HEAD + text), space)
        return identity(space["idea"])

    assert made(PLAIN) == made(SAME["local names"]) == made(SAME["annotations"])
    assert len({made(text) for text in (PLAIN, *OTHER.values())}) == len(OTHER) + 1


def test_a_source_that_is_no_longer_what_runs_is_not_believed(tmp_path):
    file = tmp_path / "edited.py"
    file.write_text(textwrap.dedent(HEAD) + textwrap.dedent(PLAIN))
    before = find_strategy(str(file))
    file.write_text(textwrap.dedent(HEAD) + textwrap.dedent(OTHER["a constant"]))
    after = find_strategy(str(file))
    assert identity(after) == told(OTHER["a constant"])
    assert identity(before) != identity(after)


HELPED = """
    LEVEL = 1.5
    TABLE = pd.Series([1.0, 2.0])
    CACHE = {}

    def smooth(series, window):
        '''The mean.'''
        return series.rolling(window).mean()

    def unused(series):
        return series

    def kept():
        return CACHE["price"]

    class Rule:
        level = 3.0
        def above(self, series):
            return series > self.level

    rule = Rule()

    @declare
    def idea(panel):
        if "price" not in CACHE:
            CACHE["price"] = smooth(panel["price"], 3)
        return rule.above(kept() * LEVEL * TABLE.mean()).astype(float)
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("LEVEL = 1.5", "LEVEL = 1.6", False),
        ("[1.0, 2.0]", "[1.0, 2.5]", False),
        (".mean()\n\n    def unused", ".median()\n\n    def unused", False),
        ("level = 3.0", "level = 4.0", False),
        ("series > self.level", "series >= self.level", False),
        ("'''The mean.'''", "'''Its mean.'''", True),
        ("return series\n", "return series + 1\n", True),
    ],
)
def test_what_it_reaches_belongs_to_it(old, new, same):
    assert HELPED.count(old) == 1
    assert (told(HELPED) == told(HELPED.replace(old, new))) is same


def test_a_global_that_a_notebook_sets_anew_makes_another_strategy():
    space = cell(HEAD, "LEVEL = 1.0", "@declare\ndef idea(panel):\n    return panel['price'] * LEVEL")
    before = identity(space["idea"])
    cell("LEVEL = 2.0", space=space)
    assert identity(space["idea"]) != before
    cell("LEVEL = 1.0", space=space)
    assert identity(space["idea"]) == before


def test_data_that_were_read_since_do_not_change_what_it_is():
    space = cell(
        HEAD,
        "from research import open_data\nDATA = open_data()",
        """
    def counted():
        n = 0
        @declare
        def idea(panel):
            nonlocal n
            n += 1
            return DATA.observations("gold_price")["value"]
        return idea
    idea = counted()
    """,
    )
    before = identity(space["idea"])
    space["idea"].signal({})
    assert identity(space["idea"]) == before


def test_it_is_told_in_a_notebook():
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell(user_ns={})
    found = []
    for text in (PLAIN, PLAIN, SAME["comments"], OTHER["a constant"], PLAIN):
        shell.run_cell(textwrap.dedent(HEAD) + textwrap.dedent(text)).raise_error()
        found.append(identity(shell.user_ns["idea"]))
    assert found == [told(PLAIN)] * 3 + [told(OTHER["a constant"]), told(PLAIN)]


def test_running_it_does_not_change_what_it_is():
    space = cell(HEAD, HELPED)
    before = identity(space["idea"])
    space["idea"].signal({"price": pd.Series(np.arange(9.0))})
    assert space["CACHE"]
    assert identity(space["idea"]) == before


@pytest.mark.parametrize(
    "value", ["1.0", "np.array([1.0])", "pd.Series([1.0])", "(lambda x: x + 1.0)", "frozenset({1.0})"]
)
def test_what_it_closes_over_belongs_to_it(value):
    factory = """
    def make(held):
        @declare
        def idea(panel):
            return held
        return idea
    idea = make({})
    """
    assert told(factory.format(value)) == told(factory.format(value))
    assert told(factory.format(value)) != told(factory.format(value.replace("1.0", "2.0")))


@pytest.mark.parametrize(
    ("one", "other"),
    [("sqrt", "ceil"), ("sqrt", "_cmath_sqrt"), ("abs", "float"), ("np.array", "np.zeros"), ("np.add", "np.multiply"),
     ("'a'.strip", "'b'.strip"), ("'a'.strip", "'a'.lower"), ("(1).__add__", "(2).__add__"), ("sqrt", "pd.concat"),
     ("pd.Series([1.0], ['x'])", "pd.Series([1.0], ['y'])"), ("pd.Series([1])", "pd.Series([1.0])"),
     ("pd.Index([1])", "pd.Index([2])"), ("pd.DataFrame({'a': [1]})", "pd.DataFrame({'b': [1]})"),
     ("pd.Timedelta(1)", "pd.Timedelta(2)"), ("np.float64(1)", "np.float64(2)")],
)  # fmt: skip
def test_what_is_no_code_of_ones_own_is_told_by_its_name_or_content(one, other):
    """Compiled functions and methods, and tables."""
    text = "from math import ceil, sqrt\nfrom cmath import sqrt as _cmath_sqrt\nHELD = {}\n"
    text += "@declare\ndef idea(panel):\n    return HELD"
    assert told(text.format(one)) == told(text.format(one))
    assert told(text.format(one)) != told(text.format(other))


def test_of_a_helper_module_only_what_is_used_counts(tmp_path):
    def made(helper):
        (tmp_path / "helper_of_identity.py").write_text(helper)
        (tmp_path / "idea.py").write_text(
            textwrap.dedent(HEAD)
            + "import helper_of_identity as h\n@declare\ndef idea(panel):\n    return h.smooth(panel['price'])\n"
        )
        return identity(find_strategy(str(tmp_path / "idea.py")))

    helper = "N = 3\ndef smooth(x):\n    return x.rolling(N).mean()\ndef other(x):\n    return x\n"
    first = made(helper)
    assert made(helper + "# a remark\n") == first
    assert made(helper.replace("return x\n", "return x + 1\n")) == first
    assert made(helper.replace("N = 3", "N = 4")) != first
    assert made(helper.replace("mean", "median")) != first


def test_no_two_of_the_bundled_strategies_compute_the_same():
    found = [identity(item) for item in all_strategies().values()]
    assert len(set(found)) == len(found)
    assert all(len(item) == 64 for item in found)


def test_decorated_partial_and_method_signals_are_told_apart():
    body = """
    import functools
    def logged(function):
        @functools.wraps(function)
        def call(*arguments, **keywords):
            return function(*arguments, **keywords)
        return call
    @declare
    @logged
    def idea(panel):
        return panel["price"] * 2
    """
    assert told(body) != told(body.replace("* 2", "* 3"))
    assert told(body) == told(body.replace("* 2", "* 2  # twice"))
    assert functools.wraps


def test_hashes_of_tables_and_versions():
    table = pd.DataFrame({"value": [1.0, 2.0]})
    assert hash_table(table) == hash_table(table.copy())
    assert len({hash_table(item) for item in (table, table * 2, table.rename(columns=str.upper), table.iloc[:1])}) == 4
    versions()["python"] = "changed by a caller"
    assert versions()["python"] == ".".join(map(str, sys.version_info[:3]))


def rule(source):
    space = {"__name__": "__main__", "strategy": strategy}
    exec(
        '@strategy(claim="c", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1)\ndef rule(panel):\n    '
        + source,
        space,
    )
    return space["rule"]


def test_edited_formulas_under_one_name_are_trials_and_comments_are_none(tmp_path):
    data = open_data(enclosure.monthly_pack(tmp_path / "pack"), bundled=False)
    ledger = Ledger(tmp_path / "trials.sqlite")
    text = "return (panel['price'] > {} * panel['price'].mean()).astype(float)"
    counts = []
    for factor in (0.5, 0.6, 0.7):
        for remark in ("", "  # the same"):
            study = compare([rule(text.format(factor) + remark)], data, ledger=ledger)
            counts.append(study.manifest["trials"]["counted"])
    assert counts == [1, 1, 2, 2, 3, 3]


def test_two_of_one_name_in_one_study_are_refused(tmp_path):
    data = open_data(enclosure.monthly_pack(tmp_path / "pack"), bundled=False)
    first, other = (rule(f"return panel['price'] * {factor}") for factor in (0, 1))
    with pytest.raises(StrategyError, match="two different strategies of this name"):
        compare([first, other], data, ledger=None)
    assert len(compare([first, first], data, ledger=None).trials) == 1
