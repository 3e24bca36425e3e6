"""assay: an investment thesis about gold and silver, put on trial.

::

    from research import open_data, strategy, backtest, compare, portfolio
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from research.brought import judge
    from research.claims import load_thesis
    from research.datasets.data import open_data
    from research.execution import Execution
    from research.explorer import explore
    from research.registration import follow, register
    from research.sealing import seal, verify
    from research.study import backtest, compare, history, portfolio, today
    from research.thesis import Strategy, hold_while, strategy, where_known
    from research.weights import UNKNOWN

__all__ = [
    "UNKNOWN", "Execution", "Strategy", "backtest", "compare", "explore", "follow", "history", "hold_while", "judge",
    "load_thesis", "open_data", "portfolio", "register", "seal", "strategy", "today", "verify", "where_known",
]  # fmt: skip

_ELSEWHERE = {
    "open_data": "datasets.data", "Execution": "execution", "load_thesis": "claims", "judge": "brought",
    "explore": "explorer", "register": "registration", "follow": "registration", "seal": "sealing", "verify": "sealing",
    "UNKNOWN": "weights", "Strategy": "thesis", "strategy": "thesis", "hold_while": "thesis", "where_known": "thesis",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import a public name on first use: `assay --help` must not wait for pandas."""
    if name not in __all__:
        raise AttributeError(f"module 'research' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"research.{_ELSEWHERE.get(name, 'study')}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
