"""C16: London's vaults drain, so the metal that can be lent runs short."""

from research import hold_while, strategy
from research.signals.inventory import free_float
from research.signals.premium import latest_before
from research.signals.series import drawdown_from_high


@strategy(
    claim="When London vaults have drained below their two-year high, the price rises.",
    metal=("gold", "silver"),
    inputs={"vault": "london_vault_{metal}"},
    expected_sign=+1,
    falsifier="Holding metal only while vaults are drained earns no more than the same average exposure.",
    grid={"threshold": [0.05, 0.1]},
)
def london_vault_drawdown(panel, threshold=0.05):
    """Hold metal while London stock is known to stand ``threshold`` below its two-year high."""
    drained = panel.asof(drawdown_from_high(panel.native("vault"), "731D"))
    return hold_while(drained, above=threshold)


@strategy(
    claim="When London silver that no fund holds shrinks, less can be lent and the price rises.",
    metal="silver",
    inputs={"vault": "london_vault_{metal}", "funds": "london_etf_{metal}"},
    expected_sign=+1,
    falsifier="Holding silver while the free float shrinks earns no more than the same average exposure.",
)
def london_free_float(panel):
    """Hold silver while the newest free float stands below the one before it."""
    funds = panel.native("funds")
    floating = free_float(latest_before(funds, panel.native("vault"), "45D"), funds).dropna()
    change = panel.asof(floating.diff().rename(funds.name))
    return hold_while(change, below=0.0)
