"""The command line: what users type, and one clear line for each kind of bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from research.cli import main
from tests.datasets.packs import PRICE, csv, entry, write_pack

IDEA = """
from research import strategy

@strategy(claim="Gold is held.", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
def my_idea(panel):
    return (panel["price"] > 0).astype(float).where(panel["price"].notna())
"""


def run(capsys, *words):
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, out, err


def refusal(capsys, *words):
    status, out, err = run(capsys, *words)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err


def refused(told, *words):
    status, out, err = told(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


def test_compare_prints_the_claims_the_rows_and_the_terms(told, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    status, out, _ = told("compare")
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100
    for expected in (
        "C1+  Price rises after a lease-rate spike",
        "Gold ",
        "Silver ",
        "lease_rate_spike",
        "registered_drawdown",
        "central_bank_buying",
        "17 claims: 0 supported",
        "12 periods a year",
        "period averages",
        "World Bank",
        "2026-07",
        "filled 1 bar after the decision",
        "fees 0.10%",
    ):
        assert expected in out, expected


def test_json_is_one_document_with_everything(told):
    status, out, err = told("compare", "lease_rate_spike", "--metal", "silver", "--json")
    document = json.loads(out)
    assert (status, err) == (0, "")
    trial = document["trials"][0]
    assert trial["periods_per_year"] == 12
    assert trial["averaged_prices"] is True
    assert {"timing_return", "p_adjusted", "p_shifted"} <= set(trial["findings"])
    assert document["execution"]["delay"] == 1
    assert len(document["manifest"]["data"]["silver_lease_rate"]) == 64


def test_backtest_of_a_file_prints_every_finding(told, tmp_path):
    file = tmp_path / "my_idea.py"
    file.write_text(IDEA)
    status, out, _ = told("backtest", str(file), "--start", "1990")
    assert status == 0
    assert "my_idea" in out
    assert "timing_return" in out


def test_parameters_and_terms_reach_the_run(told, thesis):
    words = (
        "backtest",
        "drained",
        "--param",
        "threshold=0.3",
        "--fees",
        "0.01",
        "--json",
        "--thesis",
        thesis,
    )
    document = json.loads(told(*words)[1])
    assert document["trials"][0]["parameters"]["threshold"] == 0.3
    assert document["execution"]["fees"] == 0.01


def test_stricter_rules_reach_the_verdict_and_looser_ones_are_refused(told, thesis):
    asked = "drained", "--thesis", thesis
    trial = json.loads(told("backtest", *asked, "--json")[1])["trials"][0]
    least = trial["evidence"]["events"] + 1
    document = json.loads(told("backtest", *asked, "--level", "0.01", "--min-events", str(least), "--json")[1])
    assert (document["rules"]["level"], document["rules"]["min_events"]) == (0.01, least)
    verdict = document["trials"][0]["verdict"]
    assert verdict["word"] == "undecidable"
    assert str(least) in verdict["reason"]
    out = told("compare", *asked, "--level", "0.025", "--min-events", "10")[1]
    assert "claims with 10 events or more" in " ".join(out.split())
    assert "level 2.5 %" in " ".join(out.split())
    for command in ("compare", "backtest"):
        assert "level 0.1 is looser than 0.05" in refused(told, command, *asked, "--level", "0.1")
        assert "min_events 5 is looser than 6" in refused(told, command, *asked, "--min-events", "5")


def test_strategies_say_what_they_need_and_what_is_missing(told, tmp_path):
    names = {item["name"]: item for item in json.loads(told("strategies", "--json")[1])}
    assert names["lease_rate_spike"]["missing"] == []
    assert names["lease_rate_spike"]["tests"] == "C1+"
    assert "lease_rate_spike" in told("strategies")[1]


def test_data_lists_and_verifies(capsys):
    rows = json.loads(run(capsys, "data", "--json")[1])
    assert {"id", "licence", "release", "first", "last", "sha256"} <= set(rows[0])
    assert "gold_price" in run(capsys, "data")[1]
    status, out, _ = run(capsys, "data", "verify")
    assert status == 0
    assert "match their SHA-256" in out


def test_a_changed_file_is_refused_and_verify_names_it(capsys, tmp_path):
    months = [f"20{year:02d}-{month:02d}-28" for year in range(5) for month in range(1, 13)]
    rows = [(month, 100 + i % 7) for i, month in enumerate(months)]
    pack = write_pack(tmp_path / "p", [entry("gold_price", more=PRICE)], {"gold_price.csv": csv(rows)})
    (pack / "gold_price.csv").write_text(csv(rows).replace("101", "102"))
    assert "gold_price.csv has SHA-256" in refusal(capsys, "data", "verify", "--data", str(pack))
    assert "SHA-256" in refusal(capsys, "compare", "central_bank_buying", "--data", str(pack))


def test_every_option_and_argument_is_explained():
    """Their help stands in docstrings, where a name that is misspelled would leave one without."""
    import click

    from research.cli.app import app

    context = click.Context(app)
    commands = {name: app.get_command(context, name) for name in app.list_commands(context)}
    data = commands["data"]
    commands |= {f"data {name}": data.get_command(context, name) for name in data.list_commands(context)}
    given = [(name, param) for name, command in commands.items() for param in command.params]
    assert [f"{name}: {param.name}" for name, param in given if not param.help] == []
    folds = next(param for name, param in given if (name, param.name) == ("sweep", "folds"))
    assert (folds.opts, folds.metavar, folds.help) == (["--folds"], "N", "Tests of the walk forward.")


def test_debug_shows_the_traceback():
    from research.errors import UnknownStrategy

    with pytest.raises(UnknownStrategy):
        main(["compare", "nothing_like_it", "--debug"])


HEAVY = ("numpy", "pandas", "vectorbt", "scipy", "numba", "dask", "distributed")
LIGHT = [
    ["--help"],
    ["--version"],
    [],
    ["compare", "--help"],
    ["compare", "--dalay", "1"],
    ["compare", "--delay", "0"],
    ["sweep", "--help"],
    ["sweep", "x", "--grid", "a"],
    ["sweep", "x", "--workers", "0"],
    ["sweep", "x", "--delay", "0"],
    ["sweep", "x", "--wrkers", "2"],
]


def python(code):
    """What a fresh interpreter says last on stderr."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    return done.stderr.splitlines()[-1]


def test_help_and_bad_arguments_answer_without_heavy_imports():
    code = (
        f"import sys\nfrom research.cli import main\nloaded = {{}}\nfor words in {LIGHT!r}:\n    main(words)\n"
        f"    loaded[' '.join(words)] = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print({words: names for words, names in loaded.items() if names}, file=sys.stderr)"
    )
    assert python(code) == "{}"


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (["strategies"], {"vectorbt", "numba", "scipy", "statsmodels", "plotly", "jinja2"}),
        (["backtest", "drained"], {"ipywidgets", "IPython", "nbformat", "arch"}),
    ],
)
def test_a_command_imports_no_more_than_it_shows(thesis, words, spared):
    code = (
        f"import sys\nfrom research.cli import main\nsys.argv[1:] = {[*words, '--thesis', str(thesis)]!r}\n"
        f"status = main()\nprint(status, sorted(m for m in {spared!r} if sys.modules.get(m)), file=sys.stderr)"
    )
    assert python(code) == "0 []"


def test_a_users_file_is_shown_kept_and_then_used(capsys, tmp_path):
    file = tmp_path / "stocks.csv"
    file.write_text("date,ounces\n2026-06-01,80000000\n2026-06-02,79000000\n2026-06-03,78500000\n")
    words = ("data", "add", str(file), "--as", "comex_silver_registered")
    status, out, _ = run(capsys, *words, "--dry-run")
    assert status == 0
    assert "2026-06-01" in out
    assert "nothing kept" in out
    assert run(capsys, *words)[0] == 0
    rows = {row["id"]: row for row in json.loads(run(capsys, "data", "--json")[1])}
    assert rows["comex_silver_registered"]["last"] == "2026-06-03"
    assert rows["comex_silver_registered"]["rows"] > 3, "the bundled history goes on"
    assert run(capsys, "data", "verify")[0] == 0


def test_fetch_without_a_connection_is_one_line_and_everything_else_goes_on(capsys, monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", "http://127.0.0.1:9")
    status, out, _ = run(capsys, "data", "fetch", "real_yield_10y")
    assert status == 4
    assert out.startswith("no connection: nothing fetched")
    assert run(capsys, "strategies")[0] == 0
    assert "did you mean" in refusal(capsys, "data", "fetch", "real_yeld_10y")


def test_data_say_when_a_newer_release_is_due(told):
    rows = {row["id"]: row for row in json.loads(told("data", "--json")[1])}
    assert rows["gold_price"]["next_due"] == "2026-09-02"
    assert rows["central_bank_net_purchases"]["next_due"] is None
    assert "newer releases are out of" in told("compare", "lease_rate_spike", "--metal", "silver")[1]
