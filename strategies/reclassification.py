"""C4: metal is relabelled between eligible and registered; both readings of what that means."""

import pandas as pd

from research import strategy
from research.signals.inventory import reclassified
from research.signals.series import hold_after

INPUTS = {"registered": "comex_{metal}_registered", "eligible": "comex_{metal}_eligible"}


@strategy(
    claim="When metal is relabelled from registered to eligible, less can be delivered and the price rises.",
    metal=("gold", "silver"),
    inputs=INPUTS,
    expected_sign=+1,
    falsifier="Holding metal after such a move earns no more than the same average exposure.",
    grid={"threshold": [0.02, 0.05]},
    claims=("C4",),
)
def registered_made_eligible(panel, threshold=0.02):
    """Hold metal for 28 days after ``threshold`` of the registered stock was relabelled eligible."""
    share = _share(panel)
    return hold_after(share < -threshold, "28D").where(share.notna().cummax())


@strategy(
    claim="When metal is relabelled from eligible to registered, its owner means to deliver and the price rises after.",
    metal=("gold", "silver"),
    inputs=INPUTS,
    expected_sign=+1,
    falsifier="Holding metal after such a move earns no more than the same average exposure.",
    grid={"threshold": [0.02, 0.05]},
    claims=("C4",),
)
def eligible_made_registered(panel, threshold=0.02):
    """Hold metal for 28 days after metal worth ``threshold`` of the registered stock was relabelled registered."""
    share = _share(panel)
    return hold_after(share > threshold, "28D").where(share.notna().cummax())


def _share(panel):
    """Relabelled share of registered, by the day described, dated by when both figures were known."""
    registered, eligible = (
        panel.observations(name).drop_duplicates("observed_for", keep="last").set_index("observed_for")
        for name in ("registered", "eligible")
    )
    share = reclassified(registered["value"], eligible["value"]).dropna()
    known = pd.concat([registered["known_at"], eligible["known_at"]], axis=1).max(axis=1)
    return panel.asof(pd.Series(share.to_numpy(), index=pd.DatetimeIndex(known[share.index])), max_age="14D")
