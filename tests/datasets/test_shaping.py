"""What a registry may say of a dirty file."""

import pandas as pd
import pytest

from research.datasets.data import open_data
from research.errors import RegistryError, ValidationError
from tests.datasets.packs import csv, entry, write_pack


def read(folder, text, how, **more):
    plain = 'read = { observed_for = "date", value = "value" }'
    dataset = entry("stock", **more).replace(plain, f"read = {how}")
    data = open_data(write_pack(folder, [dataset], {"stock.csv": text}), bundled=False)
    return data.observations("stock")


def test_a_value_may_be_the_sum_of_columns_and_a_hole_in_one_is_a_hole(tmp_path):
    text = "date,a,b\n2020-01-31,1,10\n2020-02-29,2,\n2020-03-31,3,30\n"
    table = read(tmp_path, text, '{ observed_for = "date", value = ["a", "b"] }')
    assert table["value"].tolist() == [11, 33]


def test_a_table_may_rename_its_columns(tmp_path):
    text = "date,spec_long,junk\n2020-01-31,5,x\n"
    how = '{ observed_for = "date", columns = { noncommercial_long = "spec_long" } }'
    table = read(tmp_path, text, how, more='kind = "table"')
    assert list(table.columns) == ["observed_for", "known_at", "noncommercial_long"]
    assert table["noncommercial_long"].tolist() == [5]


def test_a_file_that_stands_two_months_late_is_moved_back_to_month_ends(tmp_path):
    text = csv([("2023-01-31", 1), ("2023-02-28", 2), ("2023-04-30", 3)])
    table = read(tmp_path, text, '{ observed_for = "date", value = "value", shift_months = -2 }')
    assert [f"{day:%Y-%m-%d}" for day in table["observed_for"]] == ["2022-11-30", "2022-12-31", "2023-02-28"]
    assert table["known_at"].dt.strftime("%Y-%m-%d").tolist() == ["2022-11-30", "2022-12-31", "2023-02-28"]


def test_a_date_may_stand_for_its_month_or_quarter(tmp_path):
    text = csv([("2024-01-01", 1), ("2024-02-01", 2)])
    table = read(tmp_path / "m", text, '{ observed_for = "date", value = "value", period = "month" }')
    assert table["observed_for"].tolist() == [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-29")]
    table = read(
        tmp_path / "q", csv([("2024-02", 2)]), '{ observed_for = "date", value = "value", period = "quarter" }'
    )
    assert table["observed_for"].tolist() == [pd.Timestamp("2024-03-31")]


def test_weekend_copies_fall_and_bounds_hold(tmp_path):
    text = csv([("2025-12-05", 1), ("2025-12-06", 1), ("2025-12-07", 1), ("2025-12-08", 2), ("2025-12-09", 3)])
    how = '{ observed_for = "date", value = "value", weekdays_only = true }'
    assert read(tmp_path / "a", text, how)["value"].tolist() == [1, 2, 3]
    how = '{ observed_for = "date", value = "value", since = "2025-12-08" }'
    assert read(tmp_path / "b", text, how)["value"].tolist() == [2, 3]


def test_several_rows_for_one_period_are_refused(tmp_path):
    text = csv([("2026-02-02", 1), ("2026-02-02", 2), ("2026-02-03", 3)])
    with pytest.raises(ValidationError, match="two rows for 2026-02-02"):
        read(tmp_path, text, '{ observed_for = "date", value = "value" }')


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ('keep = "last"', "read: unknown field 'keep'"),
        ('period = "fortnight"', "read: period is 'fortnight'"),
        ("shift_months = 1.5", "give a whole number"),
        ("weekday_only = true", "did you mean 'weekdays_only'"),
    ],
)
def test_what_a_registry_may_not_say(tmp_path, how, says):
    with pytest.raises(RegistryError, match=says.replace("(", r"\(")):
        read(tmp_path, csv([("2020-01-31", 1)]), f'{{ observed_for = "date", value = "value", {how} }}')
