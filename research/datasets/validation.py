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
    key = ["observed_for", "known_at", *dataset.key]
    period, moment = table["observed_for"], table["known_at"]
    refused = {"has no date": period.isna() | moment.isna()}
    if dataset.kind == "series":
        refused["is not finite"] = ~np.isfinite(table["value"])
        refused["is no positive price"] = (table["value"] <= 0) & bool(dataset.price)
    refused["is known before its period ends"] = (moment < period.dt.tz_localize("UTC")) & (not dataset.forecast)
    refused["two rows"] = table.duplicated(key)
    for what, rows in refused.items():
        if rows.any():
            row, more = table[rows].iloc[0], f" ({rows.sum()} rows in all)" if rows.sum() > 1 else ""
            when = f"{row['observed_for']:%Y-%m-%d}"
            if what == "two rows":
                raise ValidationError(f"{where}: two rows for {when} known at the same moment{more}; keep one of each")
            shown = f"{row['value']:g} " if dataset.kind == "series" else ""
            raise ValidationError(f"{where}: row for {when}: {shown}{what}{more}; correct or remove it")
    return table.sort_values(key[::-1]).sort_values(["known_at", "observed_for"], kind="stable", ignore_index=True)
