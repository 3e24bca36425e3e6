"""The rows that no observation table may have, each refused with where it stands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.datasets.dataset import Dataset
from research.errors import NoData, ValidationError


def validate(table: pd.DataFrame, dataset: Dataset, where: str) -> pd.DataFrame:
    """Return the table sorted by ``known_at``, then ``observed_for``, or say what is wrong with it.

    Refused are: no rows; missing dates; values that are missing or infinite; a price that is not
    positive; two rows for one period known at one moment; and, unless the dataset is a forecast,
    a value known before its period ends.

    Raises
    ------
    ValidationError, NoData
    """
    if table.empty:
        raise NoData(f"{where}: no rows; check the file and the registry's `read`")
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    key = ["observed_for", "known_at", *dataset.key]
    columns = {"observed_for": pa.Column("datetime64[us]"), "known_at": pa.Column("datetime64[us, UTC]")}
    if dataset.kind == "series":
        checks = [pa.Check(lambda values: np.isfinite(values), error="is not finite")]
        if dataset.price:
            checks.append(pa.Check(lambda values: values > 0, error="is no positive price"))
        columns["value"] = pa.Column("float64", checks)
    before = [] if dataset.forecast else [pa.Check(_known_after_period, error="is known before its period ends")]
    schema = pa.DataFrameSchema(columns, checks=before, unique=key, report_duplicates="exclude_first")
    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        raise ValidationError(f"{where}: {_first_case(errors.failure_cases, table)}") from None
    return table.sort_values(key[::-1]).sort_values(["known_at", "observed_for"], kind="stable", ignore_index=True)


def _known_after_period(table: pd.DataFrame) -> pd.Series:
    return table["known_at"] >= table["observed_for"].dt.tz_localize("UTC")


def _first_case(cases: pd.DataFrame, table: pd.DataFrame) -> str:
    first = cases.iloc[0]
    check = str(first["check"])
    rows = cases.loc[cases["check"] == first["check"], "index"].dropna().unique()
    if not len(rows):
        return f"{first['column']}: {check}"
    row = int(rows[0])
    period = table["observed_for"].iloc[row]
    count = f" ({len(rows)} rows in all)" if len(rows) > 1 else ""
    if "unique" in check or "uniqueness" in check:
        return f"two rows for {period:%Y-%m-%d} known at the same moment{count}; keep one of each"
    return f"row for {period:%Y-%m-%d}: {first['failure_case']!r} {check}{count}; correct or remove it"
