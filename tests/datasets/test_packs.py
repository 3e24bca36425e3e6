"""Packs: bytes against pins, registries that say too little, rows that may not be."""

import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.registry import read_registry
from research.errors import ExecutionError, IntegrityError, NoData, RegistryError, UnknownDataset, ValidationError
from tests.pins import pin

from .packs import HEAD, PRICE, csv, entry, write_pack

ROWS = [("2020-01-31", 1.0), ("2020-02-29", 2.0), ("2020-03-31", 3.0)]


def open_one(tmp_path, text, **options):
    pack = write_pack(tmp_path / "pack", [entry("stock", **options)], {"stock.csv": text})
    return open_data(pack, bundled=False)


def test_a_flipped_byte_is_found_and_not_used(tmp_path):
    data = open_one(tmp_path, csv(ROWS))
    assert data.verify() == []
    file = tmp_path / "pack" / "stock.csv"
    file.write_text(file.read_text().replace("2.0", "2.1"))
    assert len(data.verify()) == 1
    with pytest.raises(IntegrityError, match=r"stock: .*stock\.csv has SHA-256 .* the registry pins"):
        data.observations("stock")


def test_a_missing_file_is_named(tmp_path):
    data = open_one(tmp_path, csv(ROWS))
    (tmp_path / "pack" / "stock.csv").unlink()
    with pytest.raises(IntegrityError, match="No such file"):
        data.observations("stock")


def test_pins_are_renewed_in_place(tmp_path):
    open_one(tmp_path, csv(ROWS))
    folder = tmp_path / "pack"
    (folder / "stock.csv").write_text(csv(ROWS[:2]))
    assert pin(folder) == 1
    assert len(open_data(folder, bundled=False).observations("stock")) == 2
    assert pin(folder) == 0


def test_later_packs_override_id_by_id(tmp_path):
    write_pack(tmp_path / "a", [entry("stock"), entry("flow")], {"stock.csv": csv(ROWS), "flow.csv": csv(ROWS)})
    write_pack(tmp_path / "b", [entry("stock", unit="kg")], {"stock.csv": csv(ROWS[:1])})
    data = open_data(tmp_path / "a", tmp_path / "b", bundled=False)
    assert len(data.observations("stock")) == 1
    assert data["stock"].unit == "kg"
    assert len(data.observations("flow")) == 3


def test_the_bundled_pack_is_whole_and_every_dataset_loads():
    data = open_data()
    assert data.verify() == []
    for identity in data:
        table = data.observations(identity)
        assert len(table) > 0
        assert str(table["known_at"].dt.tz) == "UTC"
        assert table["known_at"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "registry.toml: .pack. format is None"),
        ("[pack", "no registry.toml that can be read"),
        (HEAD, "no .datasets"),
        (HEAD + entry("stock"), "not pinned"),
    ],
)
def test_a_registry_that_is_none_is_refused(tmp_path, text, says):
    (tmp_path / "registry.toml").write_text(text)
    with pytest.raises(RegistryError, match=says):
        read_registry(tmp_path)


def test_a_folder_without_registry_is_no_pack(tmp_path):
    with pytest.raises(RegistryError, match="no data pack"):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('release = { rule = "lag", days = 0, time = "12:00", timezone = "UTC" }', "", "no release rule"),
        ('licence = "none needed"', "", "'licence' is missing"),
        ('licence = "none needed"', 'license = "x"', "unknown field 'license'; did you mean 'licence'"),
        ('frequency = "month"', 'frequency = "monthly"', "frequency is 'monthly'; did you mean 'month'"),
        ("longest_useful_age_days = 100", "", "'longest_useful_age_days' is missing"),
        ("longest_useful_age_days = 100", "longest_useful_age_days = 0", "longest_useful_age_days is 0"),
        ('value = "value"', 'valeu = "value"', "unknown field 'valeu'; did you mean 'value'"),
    ],
)
def test_a_dataset_must_say_everything(tmp_path, old, new, says):
    text = entry("stock")
    assert old in text
    write_pack(tmp_path, [text.replace(old, new)], {"stock.csv": csv(ROWS)})
    with pytest.raises(RegistryError, match=says):
        read_registry(tmp_path)


def test_a_price_must_say_when_decisions_are_taken(tmp_path):
    write_pack(tmp_path, [entry("gold_price", more='price = "close"')], {"gold_price.csv": csv(ROWS)})
    with pytest.raises(RegistryError, match="needs `decision"):
        read_registry(tmp_path)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([*ROWS, ROWS[1]], "two rows for 2020-02-29"),
        ([*ROWS, ("2020-04-30", "inf")], "2020-04-30.*not finite"),
        ([*ROWS, ("2020-04-31", 1)], "2020-04-31|date"),
        ([*ROWS, ("2020-04-30", "n/a?")], "n/a"),
        ([], "no rows"),
    ],
)
def test_rows_that_may_not_be_are_refused(tmp_path, rows, says):
    data = open_one(tmp_path, csv(rows))
    with pytest.raises((ValidationError, NoData), match=says):
        data.observations("stock")


def test_a_price_must_be_positive(tmp_path):
    pack = write_pack(
        tmp_path, [entry("gold_price", more=PRICE)], {"gold_price.csv": csv([*ROWS, ("2020-04-30", 0.0)])}
    )
    with pytest.raises(ValidationError, match="no positive price"):
        open_data(pack, bundled=False).observations("gold_price")


def test_a_value_known_before_its_period_ends_is_refused(tmp_path):
    release = '{ rule = "published", column = "published_on", time = "12:00", timezone = "UTC" }'
    text = csv([("2020-12-31", 1.0, "2020-11-15")], "date,value,published_on")
    with pytest.raises(ValidationError, match="before its period ends"):
        open_one(tmp_path / "a", text, release=release).observations("stock")
    allowed = open_one(tmp_path / "b", text, release=release, more="forecast = true")
    assert len(allowed.observations("stock")) == 1


def test_a_missing_column_is_named(tmp_path):
    data = open_one(tmp_path, csv(ROWS, "date,price"))
    with pytest.raises(ValidationError, match="no column 'value'; the file has date, price"):
        data.observations("stock")


def test_unknown_dataset_and_metal_get_a_suggestion():
    data = open_data()
    with pytest.raises(UnknownDataset, match="did you mean 'gold_price'"):
        data["gold_prise"]
    with pytest.raises(NoData, match="did you mean 'silver'"):
        data.market("sliver")


def test_a_range_without_prices_says_what_there_is():
    with pytest.raises(NoData, match="data cover 1960-01-31 to"):
        open_data().market("gold", start="2090")
    with pytest.raises(ExecutionError, match="no date"):
        open_data().market("gold", start="yesterdayish")


def test_an_end_given_as_a_year_includes_it():
    market = open_data().market("gold", start="2000", end="2001")
    assert market.price.index[0] == pd.Timestamp("2000-01-31")
    assert market.price.index[-1] == pd.Timestamp("2001-12-31")


def test_bills_earn_the_bond_equivalent_yield_of_the_bar_before():
    data = open_data()
    market = data.market("silver", start="1981-01", end="1981-03")
    rates = data.observations("bill_rate").set_index("observed_for")["value"]
    discount = rates["1981-01-31"] / 100
    expected = 365 * discount / (360 - 91 * discount) * 28 / 365
    assert market.bill_accrual["1981-02-28"] == pytest.approx(expected, rel=1e-12)
    assert market.bill_accrual.iloc[0] == 0
