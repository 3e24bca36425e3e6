"""A daily market of nothing but arrays, as far as the kernel reads one."""

from types import SimpleNamespace

from numpy.typing import ArrayLike


def of_arrays(price: ArrayLike, accrual: ArrayLike, years: ArrayLike) -> SimpleNamespace:
    """Prices, bill accruals and year fractions of some bars."""
    return SimpleNamespace(
        price=price, bill_accrual=accrual, year_fraction=years, periods_per_year=252, in_price=frozenset()
    )
