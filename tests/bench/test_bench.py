"""The checks of agreement that come before the timings. No time is asserted."""

import numpy as np
import pytest

from research.engine import kernel

from . import peers, rows, timing
from .bench_kernel import FEES, SLIPPAGE, history, ready, sweeps, traded

N_BARS = 1_000


@pytest.fixture
def flat():
    price, filled, decided = rows.long_or_flat(N_BARS)
    still = np.zeros(N_BARS)
    return price, filled, kernel.paths(decided, traded((price, still, still), rows.FLAT))[0]


@pytest.mark.parametrize("name", list(peers.PEERS))
def test_every_peer_keeps_the_same_account(name, flat):
    distribution, make = peers.PEERS[name]
    if timing.installed(distribution) is None:
        pytest.skip(f"{distribution} is not installed; `make bench` has it")
    price, filled, ours = flat
    assert np.nansum(filled == 1) > 2
    assert "1e-08" in rows.agree_where_nothing_is_filled(make(price, filled, rows.FLAT_FEE)(), ours, filled)


def test_the_loop_keeps_the_account_of_metal_and_bills():
    market, targets = history(N_BARS), sweeps(1, N_BARS)[3][1]
    close, weights = (frame.set_axis(["metal", "bills"], axis=1) for frame in ready(targets, market))
    ours = kernel.paths(targets, traded(market))[0]
    theirs = peers.pandas_loop(close, weights, FEES, SLIPPAGE)
    rows.agree(theirs[1:], ours[1:], 1e-10)
    with pytest.raises(AssertionError):
        rows.agree(peers.pandas_loop(close, weights, FEES * 1.01, SLIPPAGE)[1:], ours[1:], 1e-10)


def test_a_path_that_differs_on_one_bar_is_refused(flat):
    _, filled, ours = flat
    other = np.where(np.isnan(ours), 1.0, ours)
    other[np.flatnonzero(np.isnan(filled))[-5]] *= 1 + 1e-6
    with pytest.raises(AssertionError):
        rows.agree_where_nothing_is_filled(other, ours, filled)


def test_p_values_agree_with_the_other_bootstrap():
    assert "arch" in rows.agree_on_p_values(rows.family(5, 200), 5, 300)


def test_the_exponent_of_a_square_is_two():
    assert timing.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2)


def test_ratios_are_other_over_ours():
    row = timing.compared("a task", timing.Time(0.5, 0.25), timing.Time(1.0, 1.0), "equal").markdown()
    assert row == "| a task | 250 ms | 1.00 s | 4.00 × | 2.00 × | equal |"
