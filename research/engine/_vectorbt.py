"""vectorbt's compiled simulation, called without the package around it: the only importer of vectorbt.

``Portfolio.from_orders`` does two things: it imports indicators, accessors and charts, which takes seconds, and it
calls this simulation. The tests hold ``order_records`` to what it gives, to the byte; the version is pinned.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.execution import Execution
from research.units import Floats

if TYPE_CHECKING:
    import vectorbt

Records = NDArray[np.void]

TARGET_PERCENT, LONG_AND_SHORT = 5, 2  # of its SizeType and Direction
ORDER = np.dtype(
    [("id", "i8"), ("col", "i8"), ("idx", "i8"), ("size", "f8"), ("price", "f8"), ("fees", "f8"), ("side", "i8")],
    align=True,
)
# Nothing is logged, but every column of a log is asked for, whatever its type.
_LOGGED = """
    id group col idx cash position debt free_cash val_price value req_size req_price req_size_type req_direction
    req_fees req_fixed_fees req_slippage req_min_size req_max_size req_size_granularity req_reject_prob req_lock_cash
    req_allow_partial req_raise_reject req_log new_cash new_position new_debt new_free_cash new_val_price new_value
    res_size res_price res_fees res_side res_status res_status_info order_id
"""
_ONE = Lock()
LOG = np.dtype([(name, "f8") for name in _LOGGED.split()])


def order_records(targets: Floats, index: Floats, bills: Floats, terms: Sequence[Execution], capital: float) -> Records:
    """Orders of one account that is brought to target weights of its legs, and of bills with the rest.

    As ``Portfolio.from_orders`` with ``size_type="targetpercent"``, ``cash_sharing=True``, ``group_by=True``,
    ``call_seq="auto"``, ``engine="rust"`` and every other argument left alone.

    Parameters
    ----------
    targets, index
        Weights (NaN keeps) and prices, ``(n_bars, n_legs)``.
    bills
        Price of bills, ``(n_bars,)``; they trade free.
    terms
        Fees and slippage of each leg.

    Returns
    -------
    ndarray of ``ORDER``
        ``col`` counts the legs, then bills; ``side`` is 0 for a buy and 1 for a sell.
    """
    from vectorbt_rust.portfolio import simulate_from_orders_rs

    close = np.column_stack([index, bills])
    n_bars, n_columns = close.shape
    no, infinite = np.array(False), np.array(np.inf)
    with _record_types():
        records, _ = simulate_from_orders_rs(
            close.shape,
            np.array([n_columns]),  # one group
            np.array([capital]),
            np.tile(np.arange(n_columns), (n_bars, 1)),  # which goes first, made anew at each bar
            np.column_stack([targets, 1 - targets.sum(axis=1)]),
            infinite,  # price: the close
            np.array(TARGET_PERCENT),
            np.array(LONG_AND_SHORT),
            np.array([[*(item.fees for item in terms), 0.0]]),
            np.array(0.0),  # fixed fees
            np.array([[*(item.slippage for item in terms), 0.0]]),
            np.array(1e-8),  # least size
            infinite,  # greatest size
            np.array(np.nan),  # granularity of size
            np.array(0.0),  # probability of rejection
            no,  # lock cash
            np.array(True),  # a part may be filled
            no,  # raise where rejected
            no,  # log
            infinite,  # valuation price: the close
            close,
            auto_call_seq=True,
            ffill_val_price=True,
            update_value=False,
            max_orders=close.size,
            max_logs=1,
            init_temp_records=False,
            seed=None,
            flex_2d=True,
        )
    return np.asarray(records)


def portfolio(
    targets: pd.DataFrame, index: Floats, bills: Floats, terms: Sequence[Execution], capital: float
) -> vectorbt.Portfolio:
    """The same account as vectorbt's own value, with bills as its last column."""
    from unittest.mock import patch

    stripped = sys.flags.optimize > 1  # it composes docstrings as it is imported
    with patch.object(inspect, "cleandoc", (lambda text: "") if stripped else inspect.cleandoc):
        vbt = importlib.import_module("vectorbt")
    wanted = targets.to_numpy()
    return vbt.Portfolio.from_orders(
        pd.DataFrame(np.column_stack([index, bills]), index=targets.index, columns=[*targets.columns, "bills"]),
        size=np.column_stack([wanted, 1 - wanted.sum(axis=1)]),
        size_type="targetpercent",
        fees=np.array([[*(item.fees for item in terms), 0.0]]),
        slippage=np.array([[*(item.slippage for item in terms), 0.0]]),
        init_cash=capital,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",  # vectorbt's own annualisation is never used
        engine="rust",
    )


@contextmanager
def _record_types() -> Iterator[None]:
    """Answer for the package while the simulation asks it, at each call, how records are laid out."""
    with _ONE:
        if "vectorbt" in sys.modules:
            yield
            return
        package, enums = ModuleType("vectorbt"), ModuleType("vectorbt.portfolio.enums")
        vars(enums).update(order_dt=ORDER, log_dt=LOG)
        found = {item.__name__: item for item in (package, enums)}
        sys.modules.update(found)
        try:
            yield
        finally:
            for name in found:
                del sys.modules[name]
