"""Strategies to sweep, in a file of their own as a user's would be."""

import numpy as np

from research import strategy
from research.signals.series import hold_after, trailing_zscore

DECLARED = {
    "claim": "Silver rises after a surge in demand.",
    "metal": "silver",
    "inputs": {"demand": "silver_demand"},
    "expected_sign": +1,
}


@strategy(**DECLARED, grid={"window": [120, 250], "threshold": [0.5, 1.0, 1.5, 2.0]})
def surge(panel, window=250, threshold=1.0):
    score = trailing_zscore(panel["demand"], f"{window}D")
    return (score > threshold).astype(float).where(score.notna())


@strategy(**DECLARED, grid={"window": [120, 250], "threshold": [0.5, 1.0, 1.5, 2.0]}, vectorised=["threshold"])
def surge_at_once(panel, window=250, threshold=1.0):
    score = trailing_zscore(panel["demand"], f"{window}D").to_numpy()[:, None]
    return np.where(np.isnan(score), np.nan, score > threshold)


@strategy(**DECLARED, grid={"threshold": [1.0, 1.5, 2.0], "hold_days": [10, 20]})
def surge_and_hold(panel, threshold=1.0, hold_days=20):
    score = trailing_zscore(panel["demand"], "90D")
    return hold_after(score > threshold, f"{hold_days}D").where(score.notna().cummax())


@strategy(**DECLARED)
def above_all_history(panel):
    demand = panel["demand"]
    return (demand > demand.expanding(20).mean()).astype(float).where(demand.expanding(20).mean().notna())


@strategy(**DECLARED, grid={"scale": [0.5, 1.0]})
def above_twenty_bars(panel, scale=1.0):
    return scale * panel["demand"].rolling(20).mean().abs().clip(upper=1)
