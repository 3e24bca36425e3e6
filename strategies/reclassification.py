"""C4: metal is relabelled between eligible and registered; both readings of what that means."""

import pandas as pd

from research import hold_while, strategy
from research.signals.inventory import reclassified

INPUTS = {"registered": "comex_{metal}_registered", "eligible": "comex_{metal}_eligible"}


@strategy(
    claim="When metal is relabelled from registered to eligible, less can be delivered and the price rises.",
    metal=("gold", "silver"),
    inputs=INPUTS,
    expected_sign=+1,
    falsifier="Holding metal after such a move earns no more than the same average exposure.",
    grid={"threshold": [0.02, 0.05]},
)
def registered_made_eligible(panel, threshold=0.02):
    """Hold metal for 28 days after ``threshold`` of the registered stock was relabelled eligible."""
    largest = panel.asof(_share(panel).rolling("28D").min(), max_age="28D")
    return hold_while(largest, below=-threshold)


@strategy(
    claim="When metal is relabelled from eligible to registered, its owner means to deliver and the price rises after.",
    metal=("gold", "silver"),
    inputs=INPUTS,
    expected_sign=+1,
    falsifier="Holding metal after such a move earns no more than the same average exposure.",
    grid={"threshold": [0.02, 0.05]},
)
def eligible_made_registered(panel, threshold=0.02):
    """Hold metal for 28 days after metal worth ``threshold`` of the registered stock was relabelled registered."""
    largest = panel.asof(_share(panel).rolling("28D").max(), max_age="28D")
    return hold_while(largest, above=threshold)


def _share(panel):
    """Relabelled share of registered from first prints, by the day described, dated by when both were known."""
    registered, eligible = (
        panel.observations(name).drop_duplicates("observed_for", keep="first").set_index("observed_for")
        for name in ("registered", "eligible")
    )
    share = reclassified(registered["value"], eligible["value"]).dropna()
    known = pd.concat([registered["known_at"], eligible["known_at"]], axis=1).max(axis=1)
    return pd.Series(share.to_numpy(), index=pd.DatetimeIndex(known[share.index])).sort_index(kind="stable")
