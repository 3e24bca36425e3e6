"""A user's own series from the command line: what is asked for can be typed as it stands, and is then seen."""

import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest

from research import open_data
from research.cli import main


def told(capsys, *words):
    code = main(list(words))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture
def output(tmp_path):
    file = tmp_path / "my output.csv"
    file.write_text("date,tonnes\n2024-01-02,11\n2024-01-03,12\n2024-01-04,13\n")
    return file


def test_the_line_that_asks_for_a_description_can_be_typed(output, capsys):
    code, _, error = told(capsys, "data", "add", str(output), "--as", "mine_output", "--title", "My mine")
    assert code == 2
    assert "describe it (unit, frequency, release are missing)" in error
    words = shlex.split(re.search(r"assay (data add .*)$", error.strip())[1])
    assert "My mine" in words
    code, out, _ = told(capsys, *words)
    assert code == 0
    assert "3 new" in out
    data = open_data()
    assert data["mine_output"].unit == "tonnes"
    assert data["mine_output"].release_words == "1 day later, 18:00 UTC"
    assert data.observations("mine_output")["known_at"].iloc[0] == pd.Timestamp("2024-01-03 18:00", tz="UTC")
    code, out, _ = told(capsys, "data", "add", str(output), "--as", "mine_output")  # it is known from now on
    assert (code, "0 new" in out) == (0, True)


def test_a_file_describes_many(output, tmp_path, capsys):
    toml = tmp_path / "mine.toml"
    toml.write_text(
        '[mine_output]\ntitle = "My mine"\nunit = "tonnes"\nfrequency = "day"\n'
        'release = { rule = "lag", business_days = 2, calendar = "US", time = "09:00", timezone = "UTC" }\n'
    )
    assert told(capsys, "data", "add", str(output), "--as", "mine_output", "--describe", str(toml))[0] == 0
    assert open_data()["mine_output"].release_words.startswith("2 business days (US) later")
    code, _, error = told(capsys, "data", "add", str(output), "--as", "other", "--describe", str(toml))
    assert (code, "no table [other]; it has mine_output" in error) == (2, True)


@pytest.mark.parametrize(
    ("release", "says"), [("soon", "write 'lag 1 day 18:00 UTC'"), ("lag 1 day 18:00 Mars", "Mars")]
)
def test_a_release_that_is_none_is_refused(output, capsys, release, says):
    about = ["--title", "x", "--unit", "t", "--frequency", "day", "--release", release]
    code, _, error = told(capsys, "data", "add", str(output), "--as", "mine_output", *about)
    assert (code, says in error) == (2, True)


def test_a_daily_price_of_ones_own_is_traded_and_looked_over(tmp_path, capsys):
    days = pd.bdate_range("2019-01-01", "2022-12-30")
    for seed, (metal, start) in enumerate((("gold", 1300.0), ("silver", 16.0))):
        price = pd.Series(start * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.008, len(days)))), days)
        if metal == "silver":
            price.iloc[500] *= 1.3
        file = tmp_path / f"{metal}.csv"
        file.write_text("Date,Close\n" + "".join(f"{day:%Y-%m-%d},{value:.4f}\n" for day, value in price.items()))
        assert told(capsys, "data", "add", str(file), "--as", f"{metal}_spot", "--unit", "oz", "--accept")[0] == 0
    code, out, _ = told(capsys, "data", "verify", "--json")
    assert code == 0
    assert f"silver_spot: spike undone by the next bar ({days[500]:%Y-%m-%d})" in json.loads(out)["prices"]
    assert open_data(price="spot").market("silver", start="2020").periods_per_year == 252
    code, _, error = told(capsys, "compare", "momentum_12_months", "--price", "etf")
    assert code == 2
    assert error.startswith("assay: price 'etf': needs gld_price or slv_price: not here; assay data fetch gld_price")
