"""Strategies that look into the future, and strategies that only look as if they did."""

import importlib
import pkgutil
from dataclasses import dataclass

from research import strategy
from research.thesis import Strategy


@dataclass(frozen=True)
class Animal:
    """A case: a strategy, what is wrong with it (nothing: ``""``), and the pack in which it lives."""

    strategy: Strategy
    kind: str
    pack: str


ANIMALS: dict[str, Animal] = {}


def animal(kind="", *, pack="monthly", metals=("gold",), grid=None, vectorised=(), **inputs):
    """Declare a strategy of the zoo; its inputs are given by alias, and its fault by its kind."""

    def declare(signal):
        declared = strategy(
            claim="An animal of the zoo.",
            metal=metals,
            inputs=inputs,
            expected_sign=+1,
            falsifier="None: it is here to be checked.",
            grid=grid,
            vectorised=vectorised,
        )(signal)
        if "<locals>" not in signal.__qualname__ and signal.__module__.startswith("tests.zoo."):
            ANIMALS[declared.name] = Animal(declared, kind, pack)
        return declared

    return declare


def load_all():
    """Import every module of the zoo, so that ``ANIMALS`` is full."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith(("leaky", "honest")):
            importlib.import_module(f"{__name__}.{module.name}")
