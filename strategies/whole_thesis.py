"""C20: how much of one metal the thesis wants: the share of its deciding signals that are for it.

A signal counts while the number that it rests on is known; the opposite claims, second measures and the sceptic's
baselines do not. It is tested on each metal alone, and it times the metals of the portfolio that is the thesis as a
whole: gold, silver and foreign money in one account at equal risk (``research.study.portfolio``), where
``falling_dollar`` times foreign money.
"""

import pandas as pd

from research import UNKNOWN, strategy, where_known

from .backwardation import backwardation
from .central_bank_buying import central_bank_buying
from .dollar_credit import beyond_real_yields, falling_dollar, rising_in_all_money
from .lease_rate_spike import lease_rate_spike
from .london_premium import london_premium
from .london_vault_drawdown import london_free_float, london_vault_drawdown
from .open_interest_coverage import claims_on_registered, claims_on_stock
from .pboc_buying import pboc_buying
from .reclassification import registered_made_eligible
from .registered_drawdown import comex_stock_drawdown, registered_drawdown
from .shanghai_premium import shanghai_premium
from .shanghai_withdrawals import shanghai_withdrawals
from .silver_deficit import silver_deficit

PARTS = (
    lease_rate_spike,
    registered_drawdown,
    comex_stock_drawdown,
    claims_on_registered,
    claims_on_stock,
    registered_made_eligible,
    backwardation,
    london_premium,
    silver_deficit,
    central_bank_buying,
    pboc_buying,
    shanghai_premium,
    shanghai_withdrawals,
    london_vault_drawdown,
    london_free_float,
    beyond_real_yields,
    rising_in_all_money,
    falling_dollar,
)
INPUTS = {alias: identity for part in PARTS for alias, identity in part.inputs.items()}


@strategy(
    claim="Hold metal by all the thesis's signals at once: the more of them agree, the more of the account.",
    metal=("gold", "silver"),
    inputs=INPUTS,
    optional=[alias for alias in INPUTS if alias != "lease"],
    expected_sign=+1,
    falsifier="The combined weight earns no more than the same average exposure.",
)
def whole_thesis(panel):
    """Hold in metal the share of the signals that speak which are for it."""
    positions = {
        part.name: part.signal(panel)
        for part in PARTS
        if panel.metal in part.metals and all(alias in panel for alias in part.inputs if alias not in part.optional)
    }
    table = pd.DataFrame(positions)
    share = table.where(table != UNKNOWN).mean(axis=1)
    return where_known(share, share.notna())
