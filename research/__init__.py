"""assay: an investment thesis about gold and silver, put on trial.

::

    from research import open_data, strategy, backtest, compare, portfolio
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from research.datasets.data import open_data
    from research.execution import Execution
    from research.study import backtest, compare, portfolio
    from research.thesis import UNKNOWN, Strategy, strategy

__all__ = ["UNKNOWN", "Execution", "Strategy", "backtest", "compare", "open_data", "portfolio", "strategy"]

_HOMES = {
    "open_data": "research.datasets.data",
    "Execution": "research.execution",
    "UNKNOWN": "research.thesis",
    "Strategy": "research.thesis",
    "strategy": "research.thesis",
    "backtest": "research.study",
    "compare": "research.study",
    "portfolio": "research.study",
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
