"""Strategies that look into the future, and strategies that only look as if they did."""

from research import strategy


def animal(*, metals=("gold",), grid=None, **inputs):
    """Declare a strategy of the zoo; its inputs are given by alias."""
    return strategy(
        claim="An animal of the zoo.",
        metal=metals,
        inputs=inputs,
        expected_sign=+1,
        falsifier="None: it is here to be checked.",
        grid=grid,
    )
