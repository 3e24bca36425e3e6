"""C3: many paper claims stand on each ounce of stock, so the shorts must bid for metal."""

from research import hold_while, strategy
from research.signals.inventory import OUNCES_PER_CONTRACT, open_interest_coverage
from research.signals.premium import latest_before
from research.signals.series import trailing_zscore


@strategy(
    claim="When open interest is large against registered stock, the price rises in the weeks after.",
    metal=("gold", "silver"),
    inputs={"open_interest": "comex_{metal}_open_interest", "registered": "comex_{metal}_registered"},
    expected_sign=+1,
    falsifier="Holding metal while coverage is thin earns no more than the same average exposure.",
    grid={"threshold": [0.0, 1.0]},
)
def claims_on_registered(panel, threshold=1.0):
    """Hold metal while claims on each registered ounce stand ``threshold`` deviations above their year."""
    return _crowded(panel, "registered", threshold)


@strategy(
    claim="When open interest is large against all COMEX stock, the price rises in the weeks after.",
    metal=("gold", "silver"),
    inputs={"open_interest": "comex_{metal}_open_interest", "stock": "comex_{metal}_total"},
    expected_sign=+1,
    falsifier="Holding metal while coverage is thin earns no more than the same average exposure.",
    grid={"threshold": [0.0, 1.0]},
)
def claims_on_stock(panel, threshold=1.0):
    """Hold metal while claims on each ounce in COMEX vaults stand ``threshold`` deviations above their year."""
    return _crowded(panel, "stock", threshold)


def _crowded(panel, stock, threshold):
    contracts = panel.native("open_interest")
    ounces = latest_before(contracts, panel.native(stock), "14D")
    claims = open_interest_coverage(contracts, ounces, ounces_per_contract=OUNCES_PER_CONTRACT[panel.metal])
    score = panel.asof(trailing_zscore(claims.dropna(), "365D", warm_up="182D"), max_age="21D")
    return hold_while(score, above=threshold)
