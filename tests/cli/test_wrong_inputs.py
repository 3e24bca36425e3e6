"""A hundred wrong inputs: each is one line on stderr, exit 2, nothing on stdout, and says what to do instead."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

STRATEGY = """
from research import strategy
G = dict(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
"""
FILES = {
    "raises.py": STRATEGY + '@strategy(**G)\ndef raises(panel):\n    raise ValueError("boom\\nand more")\n',
    "exits.py": STRATEGY + "import sys\n@strategy(**G)\ndef exits(panel):\n    sys.exit(3)\n",
    "exits_at_once.py": "import sys\nsys.exit()\n",
    "divides.py": "import research\n\nx = 1 / 0\n",
    "imports.py": "import no_such_module\n",
    "syntax.py": "def f(:\n",
    "empty.py": "",
    "nulls.py": b"\x00x = 1\n",
    "latin.py": b'x = "\xe9"\n',
    "two.py": STRATEGY
    + "@strategy(**G)\ndef one(panel):\n    return 1\n@strategy(**G)\ndef two(panel):\n    return 1\n",
    "number.py": STRATEGY + "@strategy(**G)\ndef number(panel):\n    return 1\n",
    "short.py": STRATEGY + '@strategy(**G)\ndef short(panel):\n    return panel["price"].iloc[5:] * 0\n',
    "huge.py": STRATEGY + '@strategy(**G)\ndef huge(panel):\n    return panel["price"]\n',
    "never.py": STRATEGY + '@strategy(**G)\ndef never(panel):\n    return panel["price"] * float("nan")\n',
    "undeclared.py": STRATEGY + '@strategy(**G)\ndef undeclared(panel):\n    return panel["nothing"]\n',
    "misspelt.py": STRATEGY + 'G["inputs"] = {"p": "gold_prise"}\n@strategy(**G)\ndef misspelt(panel):\n    return 1\n',
    "mithril.py": STRATEGY + 'G["metal"] = "mithril"\n@strategy(**G)\ndef mithril(panel):\n    return 1\n',
    "signless.py": STRATEGY + 'G["expected_sign"] = 0\n@strategy(**G)\ndef signless(panel):\n    return 1\n',
    "unclaimed.py": STRATEGY + 'G["claim"] = ""\n@strategy(**G)\ndef unclaimed(panel):\n    return 1\n',
    "off_grid.py": STRATEGY + 'G["grid"] = {"x": [1]}\n@strategy(**G)\ndef off_grid(panel):\n    return 1\n',
    "notes.txt": "nothing",
    "empty.csv": "",
    "header.csv": "date,price\n",
    "words.csv": "date,value\n2020-01-01,abc\n",
    "nulls.csv": b"\x00\x01\x02",
    "good.csv": "date,value\n2024-01-02,2010\n2024-01-03,2011\n",
    "twice.csv": "date,value\n2024-01-02,10\n2024-01-02,11\n",
    "broken/registry.toml": "[pack\n",
    "other_format/registry.toml": "[pack]\nformat = 99\n",
    "bad_thesis/thesis.toml": "title = 'x'\n",
    "folder/notes.txt": "nothing",
}
B, RULE = ("backtest", "lease_rate_spike"), ("backtest", "momentum_12_months")

WRONG: list[tuple[tuple[str, ...], str]] = [
    # commands and options
    (("compere",), "did you mean 'compare'"),
    (("data", "fech"), "did you mean 'fetch'"),
    (("compare", "--strat", "2000"), "No such option '--strat'"),
    (("compare", "--metal"), "requires an argument"),
    (("compare", "--thesis"), "'--thesis' requires an argument"),
    (("strategies", "extra"), "unexpected extra argument"),
    ((*B, "registered_drawdown"), "unexpected extra argument"),
    (("backtest",), "--demo"),
    ((*B, "--demo"), "--demo alone"),
    (("check",), "--demo"),
    (("check", "lease_rate_spike", "--demo"), "--demo alone"),
    (("sweep",), "Missing argument"),
    (("replay",), "Missing argument"),
    (("data", "add", "good.csv"), "Missing option '--as'"),
    # dates
    ((*RULE, "--start", ""), "write YYYY"),
    ((*RULE, "--start", "NaT"), "'NaT' is no date"),
    ((*RULE, "--start", "soon"), "'soon' is no date"),
    ((*RULE, "--start", "01/02/2006"), "'01/02/2006' is no date"),
    ((*RULE, "--start", "03.04.2000"), "is no date"),
    ((*RULE, "--start", "20060101"), "is no date"),
    ((*RULE, "--start", "2006-1-1"), "is no date"),
    ((*RULE, "--start", "2000-13"), "is no date"),
    ((*RULE, "--end", "2000-02-30"), "is no date"),
    ((*RULE, "--start", "2006-01-01 12:00"), "is no date"),
    ((*RULE, "--start", "2006-01-01T00:00+01:00"), "is no date"),
    ((*RULE, "--start", "1066"), "of 1700 to 2500"),
    ((*RULE, "--end", "9999"), "of 1700 to 2500"),
    ((*RULE, "--start", "2150"), "the data cover"),
    ((*RULE, "--end", "1900"), "the data cover"),
    ((*RULE, "--start", "2010", "--end", "2005"), "the data cover"),
    (("check", "momentum_12_months", "--start", "soon"), "is no date"),
    (("sweep", "momentum_12_months", "--end", "soon"), "is no date"),
    # names and files of strategies
    (("compare", "lease_rate_spik"), "did you mean 'lease_rate_spike'"),
    (("today", "lease_rate_spik"), "did you mean 'lease_rate_spike'"),
    (("check", "lease_rate_spik"), "did you mean 'lease_rate_spike'"),
    (("trials", "nosuch"), "neither tried nor known"),
    (("compare", "nowhere.py"), "no such file"),
    (("compare", "folder"), "is no .py file"),
    (("compare", "notes.txt"), "is no .py file"),
    (("backtest", "empty.py"), "decorate its function"),
    (("backtest", "syntax.py"), "syntax.py:1: does not import: SyntaxError"),
    (("backtest", "divides.py"), "divides.py:3: does not import: ZeroDivisionError"),
    (("backtest", "imports.py"), "imports.py:1: does not import: ModuleNotFoundError"),
    (("backtest", "exits_at_once.py"), "ends the process"),
    (("backtest", "nulls.py"), "nulls.py: does not import"),
    (("backtest", "latin.py"), "latin.py:1: does not import"),
    (("backtest", "two.py"), "choose one with two.py:NAME"),
    (("backtest", "two.py:three"), "there are: one, two"),
    (("backtest", "signless.py"), "expected_sign"),
    (("backtest", "unclaimed.py"), "claim"),
    (("backtest", "off_grid.py"), "x"),
    (("backtest", "raises.py"), "the signal raised ValueError: boom and more (raises.py:6)"),
    (("backtest", "exits.py"), "the signal raised SystemExit: 3"),
    (("backtest", "number.py"), "return a pandas Series"),
    (("backtest", "short.py"), "reindex"),
    (("backtest", "huge.py"), "clip it"),
    (("backtest", "never.py"), "never decides"),
    (("backtest", "undeclared.py"), "declared inputs"),
    (("backtest", "misspelt.py"), "gold_prise"),
    (("backtest", "mithril.py"), "there are: gold, silver"),
    # metals, prices, parameters
    (("compare", "--metal", "slver"), "did you mean 'silver'"),
    ((*B, "--metal", "platinum"), "claims nothing about platinum"),
    (("today", "--metal", "mithril"), "there are: gold, silver"),
    (("check", "lease_rate_spike", "--metal", "platinum"), "there are: gold, silver"),
    (("sweep", "lease_rate_spike", "--metal", "mithril"), "there are: gold, silver"),
    ((*B, "--price", "sopt"), "no such choice here"),
    ((*B, "--price", "spot"), "assay data fetch gold_spot"),
    (("today", "--price", "etf"), "assay data fetch gld_price"),
    ((*B, "--param", "threshold"), "write NAME=VALUE"),
    ((*B, "--param", "threshold="), "write NAME=VALUE"),
    ((*B, "--param", "thresh=1"), "did you mean 'threshold'"),
    ((*B, "--param", "threshold=abc"), "threshold='abc': a number is needed"),
    ((*B, "--param", "threshold=nan"), "a number is needed"),
    ((*B, "--param", "threshold=1e999"), "threshold=inf: a number is needed"),
    ((*B, "--param", "threshold=None"), "threshold=None: a number is needed"),
    ((*B, "--param", "threshold=[1, 2]"), "a number is needed"),
    ((*B, "--param", "threshold=1", "--param", "threshold=2"), "given twice"),
    ((*B, "--param", "hold_days=-3"), "use 0 or more"),
    (("check", "lease_rate_spike", "--param", "threshold=abc"), "a number is needed"),
    # terms and rules
    ((*B, "--delay", "0"), "use 1 or more"),
    ((*B, "--delay", "1.5"), "--delay"),
    ((*B, "--delay", "soon"), "--delay"),
    ((*B, "--fees", "-1"), "0 or more"),
    ((*B, "--fees", "nan"), "0 or more"),
    ((*B, "--fees", "1%"), "--fees"),
    ((*B, "--slippage", "2"), "use less than 1"),
    ((*B, "--storage", "3"), "use less than 1"),
    ((*B, "--borrow", "inf"), "0 or more"),
    ((*B, "--level", "0.1"), "looser than 0.05"),
    ((*B, "--level", "0"), "not above 0"),
    ((*B, "--min-events", "5"), "6 or more"),
    # grids
    (("sweep", "lease_rate_spike", "--grid", "threshold"), "NAME=FIRST:LAST:STEP"),
    (("sweep", "lease_rate_spike", "--grid", "treshold=1"), "did you mean 'threshold'"),
    (("sweep", "lease_rate_spike", "--grid", "threshold=1,abc"), "a number is needed"),
    (("sweep", "lease_rate_spike", "--grid", "threshold=1,1"), "stands there twice"),
    (("sweep", "lease_rate_spike", "--grid", "threshold=1:2:0"), "rising numbers"),
    (("sweep", "lease_rate_spike", "--grid", "threshold=0:1:0.0000001"), "take a wider step"),
    (
        ("sweep", "lease_rate_spike", "--grid", "threshold=0:1:0.0001", "--grid", "hold_days=1:9999:1"),
        "take wider steps",
    ),
    (("sweep", "lease_rate_spike", "--folds", "0"), "0 is not in the range x>=1"),
    (("sweep", "lease_rate_spike", "--folds", "9999"), "use fewer folds"),
    (("sweep", "lease_rate_spike", "--memory", "-1"), "-1 is not in the range x>=0"),
    (("sweep", "lease_rate_spike", "--by", "windw"), "there are: hold_days, threshold"),
    (("sweep", "lease_rate_spike", "--workers", "2", "--scheduler", "tcp://x:1"), "give one"),
    # what is written, and where from
    ((*B, "--html", "missing/page.html"), "mkdir -p 'missing'"),
    (("claims", "--html", "missing/page.html"), "mkdir -p 'missing'"),
    ((*B, "--html", "folder"), "is a folder"),
    ((*B, "--run", "folder"), "name a new folder"),
    ((*B, "--run", "notes.txt"), "name a new folder"),
    (("claims", "--html", "one.html", "--findings", "one.html"), "name two"),
    ((*B, "--data", "nowhere"), "no registry.toml"),
    ((*B, "--data", "notes.txt"), "no registry.toml"),
    ((*B, "--data", "broken"), "no registry.toml that can be read"),
    ((*B, "--data", "other_format"), "reads format"),
    (("compare", "--thesis", "folder"), "a thesis is a folder with a thesis.toml"),
    (("compare", "--thesis", "bad_thesis"), "'published' is missing"),
    (("replay", "nowhere"), "make one with --run DIR"),
    (("diff", "folder", "nowhere"), "make one with --run DIR"),
    (("new", "My_Idea"), "lower-case letters"),
    (("new", "class"), "lower-case letters"),
    (("new", "../up"), "lower-case letters"),
    (("new", "lease_rate_spike"), "choose another"),
    (("new", "raises"), "is there already"),
    # a user's own data
    (("data", "fetch", "real_yeld_10y"), "did you mean 'real_yield_10y'"),
    (("data", "fetch", "gold_spot", "--accept", "silver_price"), "silver_price"),
    (("data", "fetch", "--anew", "nonsense"), "nonsense"),
    (("data", "add", "nowhere.csv", "--as", "gold_spot"), "nowhere.csv"),
    (("data", "add", "folder", "--as", "gold_spot"), "folder"),
    (("data", "add", "empty.csv", "--as", "gold_spot"), "empty.csv"),
    (("data", "add", "header.csv", "--as", "gold_spot"), "header.csv"),
    (("data", "add", "words.csv", "--as", "gold_spot"), "abc"),
    (("data", "add", "nulls.csv", "--as", "gold_spot"), "nulls.csv"),
    (("data", "add", "twice.csv", "--as", "gold_spot", "--unit", "oz"), "keep"),
    (("data", "add", "good.csv", "--as", "gold_spt"), "did you mean 'gold_spot'"),
    (("data", "add", "good.csv", "--as", "gold_spot", "--date-column", "day"), "day"),
    (("data", "add", "good.csv", "--as", "gold_spot", "--heading-row", "99"), "99"),
    (("data", "add", "good.csv", "--as", "gold_spot", "--unit", "parsec"), "parsec"),
    (("data", "add", "good.csv", "--as", "gold_spot", "--dates", "xyz"), "--dates"),
    (("data", "add", "good.csv", "--as", "gold_spot", "--describe", "nowhere.toml"), "nowhere.toml"),
    (("data", "archive", "--merge", "nowhere"), "nowhere"),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_FRED_URL", "http://127.0.0.1:9")
    for name, content in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def test_there_are_a_hundred_and_no_two_alike():
    assert len({words for words, _ in WRONG}) == len(WRONG) >= 100


@pytest.mark.parametrize(("words", "says"), WRONG, ids=lambda item: " ".join(item) if isinstance(item, tuple) else "")
def test_a_wrong_input_is_one_line(here, told, words, says):
    status, out, error = told(*words)
    assert (status, out) == (2, ""), error
    assert re.fullmatch(r"assay: .+\n", error), error
    assert says in error
    assert not re.search(r"Traceback|\bErrno\b|<class|object at 0x", error)


@pytest.mark.parametrize(
    ("words", "mended"),
    [
        ((*B, "--html", "missing/page.html"), (*B, "--html", "missing/page.html", "--start", "soon")),
        (("backtest", "two.py"), ("backtest", "two.py:one", "--start", "soon")),
        (("compare", "lease_rate_spik"), ("compare", "lease_rate_spike", "--start", "soon")),
    ],
)
def test_the_remedy_works(here, told, words, mended):
    """What was refused is refused no longer: the next thing that is wrong is."""
    _, _, error = told(*words)
    if found := re.search(r"mkdir -p '(\S+)'", error):
        Path(found[1]).mkdir(parents=True)
    assert "'soon' is no date" in told(*mended)[2]


def test_every_command_that_a_refusal_names_is_one(here, told):
    named = set()
    for words, says in WRONG:
        if "assay" in says or words[:2] == ("backtest", "misspelt.py") or "platinum" in words:
            named |= set(re.findall(r"assay ((?:data )?[a-z]+(?: [a-z_]+)?)(?: FILE|[,;)]|$)", told(*words)[2].strip()))
    assert {"strategies", "data fetch gold_spot", "data fetch gld_price"} <= named
    for line in sorted(named):
        words = shlex.split(line)
        words += ["good.csv", "--as", "gold_spot", "--dry-run"] if words[1:] == ["add"] else []
        status, _, error = told(*words)
        assert status in (0, 3, 4), error
