"""C14: more gold leaves the Shanghai Gold Exchange's vaults than a year ago, so the price must rise."""

from functools import partial

from research import hold_while, strategy
from research.signals.flows import growth_on_year


@strategy(
    claim="When withdrawals from the Shanghai Gold Exchange grow on the year, the price of gold rises.",
    metal="gold",
    inputs={"withdrawals": "sge_withdrawals"},
    expected_sign=+1,
    falsifier="Holding gold only while withdrawals grow earns no more than the same average exposure.",
    grid={"months": [1, 3]},
)
def shanghai_withdrawals(panel, months=3):
    """Hold gold while the newest ``months`` of withdrawals exceed the same months of the year before."""
    growth = panel.asof(panel.each_release("withdrawals", partial(growth_on_year, months=months)))
    return hold_while(growth, above=0.0)
