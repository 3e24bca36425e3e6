"""assay: an investment thesis about gold and silver, put on trial.

::

    from research import open_data, strategy, backtest, compare, portfolio
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    "UNKNOWN",
    "Execution",
    "Strategy",
    "backtest",
    "compare",
    "explore",
    "follow",
    "history",
    "hold_while",
    "judge",
    "load_thesis",
    "open_data",
    "portfolio",
    "register",
    "seal",
    "strategy",
    "today",
    "verify",
    "where_known",
]

_HOMES = {
    "open_data": "research.datasets.data",
    "Execution": "research.execution",
    "UNKNOWN": "research.weights",
    "Strategy": "research.thesis",
    "strategy": "research.thesis",
    "hold_while": "research.thesis",
    "where_known": "research.thesis",
    "load_thesis": "research.claims",
    "judge": "research.brought",
    "seal": "research.sealing",
    "verify": "research.sealing",
    "backtest": "research.study",
    "compare": "research.study",
    "portfolio": "research.study",
    "explore": "research.explorer",
    "register": "research.registration",
    "follow": "research.registration",
    "history": "research.study",
    "today": "research.study",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `assay --help` must not wait for pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module 'research' has no attribute {name!r}")
    import importlib

    home = importlib.import_module(_HOMES[name])
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
