"""Read-only mappings travel, and everything becomes plain JSON in one way."""

import copy
import datetime
import json
import pickle
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from research.values import frozen, plain


def test_a_frozen_mapping_is_a_copy_that_nobody_writes_into_and_that_travels():
    given = {"a": 1, "b": {"c": [2]}}
    held = frozen(given)
    given["a"] = given["b"]["c"] = 7
    assert held == {"a": 1, "b": {"c": [2]}}
    for made in (held, pickle.loads(pickle.dumps(held)), copy.deepcopy(held), copy.copy(held)):
        assert made == held
        for part in (made, made["b"]):
            with pytest.raises(TypeError):
                part["a"] = 0


@dataclass
class Part:
    value: float


PLAIN = [
    (np.float64("nan"), None),
    (float("inf"), None),
    (np.int64(3), 3),
    (np.array([[1.5, np.nan]]), [[1.5, None]]),
    (pd.Timestamp("2001-02-03"), "2001-02-03T00:00:00"),
    (datetime.date(2001, 2, 3), "2001-02-03"),
    ({1: (True, "x", None)}, {"1": [True, "x", None]}),
    ([Part(float("nan")), frozen({"part": Part(2.0)})], [{"value": None}, {"part": {"value": 2.0}}]),
    (pd.Series([1.0, np.nan]), [1.0, None]),
    (1 + 2j, "(1+2j)"),
]


@pytest.mark.parametrize(("value", "wanted"), PLAIN)
def test_anything_becomes_plain(value, wanted):
    found = plain(value)
    assert found == wanted
    assert json.loads(json.dumps(found, allow_nan=False)) == wanted


def test_what_says_how_it_is_shown_is_asked():
    class Told:
        def to_json(self):
            return {"low": float("-inf")}

    assert plain([Told()]) == [{"low": None}]
