"""The checks of agreement that come before the timings. No time is asserted."""

from functools import partial

import numpy as np
import pytest

from research.engine import kernel

from . import peers, processes, rows, timing
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


@pytest.mark.parametrize("kind", range(4))
def test_the_plain_loop_keeps_the_same_accounts(kind):
    market, targets = history(N_BARS), sweeps(30, N_BARS)[kind][1]
    assert "1e-10" in rows.agree_with_the_loop(targets, market, kernel.sweep(targets, traded(market)))


def faster(ours, plain):
    """Least processor time of the plain loop over that of ours, in turns."""
    times = timing.take_turns({"ours": ours, "plain": plain}, budget=20.0)
    return times["plain"].processor / times["ours"].processor


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least"), [(0, 0.7), (1, 0.9), (2, 1.1), (3, 1.7)])
def test_the_kernel_stays_faster_than_the_plain_loop(kind, least):
    """Half of what was measured with AVX-512: 1.4, 1.8, 2.3 and 3.6."""
    market, targets = history(6_600), sweeps(256, 6_600)[kind][1]
    assert faster(lambda: kernel.sweep(targets, traded(market)), lambda: rows.plain(targets, market)) > least


@pytest.mark.slow
@pytest.mark.parametrize("kind", [0, 3])
def test_the_circular_shifts_stay_faster_than_the_loop_over_one_after_the_other(kind):
    """Less than half of what was measured with AVX-512: 4 to 5."""
    exposure, terms = rows.moved_exposure(sweeps(1, 6_600)[kind][1][0], history(6_600))
    shifts = np.arange(512)
    plain = partial(rows.moved_alone, terms, shifts, exposure.n_periods)
    assert faster(lambda: exposure.moved_ratios(shifts, 1), plain) > 1.7


def test_a_path_that_differs_on_one_bar_is_refused(flat):
    _, filled, ours = flat
    other = np.where(np.isnan(ours), 1.0, ours)
    other[np.flatnonzero(np.isnan(filled))[-5]] *= 1 + 1e-6
    with pytest.raises(AssertionError):
        rows.agree_where_nothing_is_filled(other, ours, filled)


def test_a_table_that_counts_other_verdicts_is_refused():
    document = '{"claims": {"C1": {"verdict": {"word": "ruled out"}}, "C2": {"verdict": {"word": "undecidable"}}}}'
    assert "JSON" in processes.agree_on_verdicts("2 claims: 1 ruled out,\n1 undecidable.", document)
    with pytest.raises(AssertionError, match="1 undecidable"):
        processes.agree_on_verdicts("2 claims: 1 ruled out, 2 undecidable.", document)


def test_the_exponent_of_a_square_is_two():
    assert timing.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2)


def test_ratios_are_other_over_ours():
    row = timing.compared("a task", timing.Time(0.5, 0.25), timing.Time(1.0, 1.0), "equal", limit=timing.Time(1, 0.1))
    assert row.markdown() == "| a task | 250 ms | 1.00 s | 4.00 × | 2.00 × | 2.50 × | equal |"
