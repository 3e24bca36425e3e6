"""Grids: the product of what was given, and a clear line for what cannot be."""

import itertools

import pytest

from research.errors import ParameterError
from research.sweep.grid import Grid, grid_of, parse_axes

from . import ideas


def test_a_grid_walks_through_the_product_with_the_last_axis_fastest():
    axes = {"a": (1, 2, 3), "b": ("x", "y"), "c": (0.5, 1.5, 2.5, 3.5)}
    grid = Grid(axes, {"d": None})
    expected = [{"d": None, **dict(zip(axes, values, strict=True))} for values in itertools.product(*axes.values())]
    assert list(grid) == expected
    assert len(grid) == 24
    assert grid.describe(grid[5]) == "a=1, b='y', c=1.5"
    with pytest.raises(IndexError):
        grid[24]


def test_a_grid_without_axes_is_one_variant():
    grid = Grid({}, {"d": 4})
    assert list(grid) == [{"d": 4}]
    assert grid.describe(grid[0]) == "the only variant"


def test_a_huge_grid_costs_nothing():
    values = tuple(range(100_000))
    assert Grid({"a": values, "b": values}, {})[9_999_999_999] == {"a": 99_999, "b": 99_999}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a=1,1.5,2"], {"a": (1, 1.5, 2)}),
        (["a=30:180:30"], {"a": (30, 60, 90, 120, 150, 180)}),
        (["a=0.1:0.5:0.1", "b=x,y"], {"a": (0.1, 0.2, 0.3, 0.4, 0.5), "b": ("x", "y")}),
        (["a=1:3:1,10"], {"a": (1, 2, 3, 10)}),
        (["a=-1,None,True"], {"a": (-1, None, True)}),
        (["a=1:2:0.7"], {"a": (1, 1.7)}),
    ],
)
def test_axes_from_the_command_line(words, expected):
    assert parse_axes(words) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a"], "write NAME=VALUE"),
        (["=1"], "write NAME=VALUE"),
        (["a="], "write NAME=VALUE"),
        (["a=1", "a=2"], "given twice"),
        (["a=1,1"], "stands there twice"),
        (["a=5:1:1"], "FIRST:LAST:STEP"),
        (["a=1:5:0"], "FIRST:LAST:STEP"),
        (["a=x:5:1"], "FIRST:LAST:STEP"),
        (["a=0:1e9:1"], "wider step"),
        (["a=0:1e999:1"], "FIRST:LAST:STEP"),
    ],
)
def test_what_is_no_axis_is_refused_in_one_line(words, said):
    with pytest.raises(ParameterError, match=said) as refusal:
        parse_axes(words)
    assert "\n" not in str(refusal.value)


def test_given_axes_replace_the_declared_grid_and_the_rest_stays_at_its_default():
    assert len(grid_of(ideas.surge)) == 8
    grid = grid_of(ideas.surge, {"threshold": [0.7, 0.8]})
    assert list(grid) == [{"window": 250, "threshold": 0.7}, {"window": 250, "threshold": 0.8}]
    with pytest.raises(ParameterError, match="did you mean 'threshold'"):
        grid_of(ideas.surge, {"treshold": [1]})
    with pytest.raises(ParameterError, match="no value"):
        grid_of(ideas.surge, {"threshold": []})
