"""Many values of a parameter at once, through a signal that was written for one.

``score > threshold`` means the same whether ``threshold`` is 1.5 or stands for a thousand thresholds: what a grid
repeats is then one operation on a table instead of a thousand on series. ``decide_together`` runs a signal with
``Many`` in the place of its numbers. It does what pandas does to a series of numbers or booleans, element by
element, to the last bit; whatever else is asked of it (a text, a truth, a rolling window) raises ``Apart``, and
that parameter is given one value at a time, as ever. A few variants are always run alone and must agree.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NoReturn, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEWEST = 12
"""Variants for which it is worth trying."""

_NUMBERS_AT_ONCE = 250_000  # what the processor's cache holds
_EXACT = frozenset(
    [
        *(np.add, np.subtract, np.multiply, np.true_divide, np.negative, np.absolute, np.sign, np.isnan, np.isfinite),
        *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
        *(np.logical_and, np.logical_or, np.logical_not, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
        *(np.maximum, np.minimum, np.fmax, np.fmin, np.sqrt, np.floor, np.ceil),
    ]
)  # what gives the same bits for an element alone and in a table

Operand = NDArray[np.generic] | np.generic | float
Ask = Callable[[Mapping[str, object]], object]


class Apart(BaseException):
    """Not to be answered for many values at once; no author's ``except Exception`` may swallow it."""


class Many(np.lib.mixins.NDArrayOperatorsMixin):
    """A number, or a series on one calendar, for each of many variants.

    Attributes
    ----------
    table
        Shape ``(n_variants, 1)`` for numbers, ``(n_variants, n_bars)`` for series.
    index
        The calendar of a series; ``None`` for numbers.
    """

    __pandas_priority__ = 10_000
    __array_priority__ = 10_000.0
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(self, table: NDArray[np.generic], index: pd.Index | None = None) -> None:
        self.table = table
        self._index = index
        self.attrs: dict[str, object] = {}

    @property
    def index(self) -> pd.Index:
        """The calendar of a series."""
        return _known(self._index)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the numbers."""
        return self.table.dtype

    def like(self, table: NDArray[np.generic]) -> Many:
        """Other numbers on the same calendar."""
        return Many(table, self._index)

    def __array_ufunc__(self, function: np.ufunc, method: str, *operands: object, **options: object) -> Many:
        if method != "__call__" or options or function not in _EXACT:
            raise Apart
        index = _common_index(operands)
        with np.errstate(all="ignore"):
            return Many(np.asarray(function(*(_raw(item, index) for item in operands))), index)

    def __array_function__(
        self, function: object, types: object, operands: tuple[object, ...], options: Mapping[str, object]
    ) -> Many:
        if function is not np.where or len(operands) != 3 or options:
            raise Apart
        index = _common_index(operands)
        condition, *values = (_raw(item, index) for item in operands)
        return Many(np.where(_booleans(condition), *values), index)

    def where(self, condition: object, other: object = np.nan) -> Many:
        """As of a series."""
        index = _common_index((self, condition, other))
        if self._index is None:
            raise Apart
        kept, values = _booleans(_raw(condition, index)), _raw(other, index)
        if self.dtype.kind == "b" and np.asarray(values).dtype.kind != "b":
            raise Apart  # pandas makes objects of these
        return self.like(np.where(kept, self.table, values))

    def mask(self, condition: object, other: object = np.nan) -> Many:
        """As of a series."""
        if not isinstance(condition, Many | pd.Series):
            raise Apart
        return self.where(~condition, other)

    def notna(self) -> Many:
        """As of a series."""
        return self.like(~np.isnan(self.table))

    def isna(self) -> Many:
        """As of a series."""
        return self.like(np.isnan(self.table))

    def fillna(self, value: object) -> Many:
        """As of a series."""
        return self if self.dtype.kind != "f" else self.where(self.notna(), value)

    def ffill(self) -> Many:
        """As of a series."""
        if self.dtype.kind != "f":
            raise Apart
        bars = np.arange(len(self.index))
        last = np.maximum.accumulate(np.where(np.isnan(self.table), 0, bars), axis=-1)
        return self.like(np.take_along_axis(self.table, np.broadcast_to(last, self.table.shape), axis=-1))

    def shift(self, periods: int = 1, fill_value: float | bool = np.nan) -> Many:
        """As of a series."""
        alike = np.asarray(fill_value).dtype.kind == self.dtype.kind
        if type(periods) is not int or not 0 <= periods <= len(self.index) or not alike:
            raise Apart
        moved = np.full_like(self.table, fill_value)
        moved[:, periods:] = self.table[:, : self.table.shape[1] - periods]
        return self.like(moved)

    def clip(self, lower: Many | float | None = None, upper: Many | float | None = None) -> Many:
        """As of a series; two bounds are put in order."""
        if self.dtype.kind != "f":
            raise Apart
        if lower is not None and upper is not None:
            if not (isinstance(lower, int | float) and isinstance(upper, int | float)):
                raise Apart
            lower, upper = min(lower, upper), max(lower, upper)
        result = self
        for bound, beyond in ((lower, operator.lt), (upper, operator.gt)):
            if bound is not None:
                result = result.where(~beyond(result, bound), bound)
        return result

    def cummax(self) -> Many:
        """As of a series."""
        return self._so_far(np.fmax)

    def cummin(self) -> Many:
        """As of a series."""
        return self._so_far(np.fmin)

    def abs(self) -> Many:
        """As of a series."""
        found: Many = abs(self)
        return found

    def astype(self, kind: object) -> Many:
        """As of a series, from booleans and whole numbers to numbers."""
        if np.dtype(kind) == np.float64 or np.dtype(kind) == self.dtype:  # type: ignore[call-overload]
            return self.like(self.table.astype(np.float64 if np.dtype(kind) == np.float64 else self.dtype))  # type: ignore[call-overload]
        raise Apart

    def _so_far(self, function: np.ufunc) -> Many:
        if self._index is None:
            raise Apart
        best = function.accumulate(self.table, axis=-1)
        return self.like(best) if self.dtype.kind != "f" else self.like(np.where(np.isnan(self.table), np.nan, best))

    def __bool__(self) -> bool:
        truths = self.table != 0
        if self._index is None and (truths == truths[0]).all():
            return bool(truths[0, 0])
        raise Apart

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Apart

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise Apart

    __format__ = __str__ = __repr__ = __int__ = __float__ = __index__ = __round__ = _refuse
    __len__ = __iter__ = __getitem__ = __setitem__ = __contains__ = __array__ = _refuse
    __pow__ = __rpow__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse


def decide_together(ask: Ask, variants: Sequence[Mapping[str, object]], index: pd.Index) -> NDArray[np.float64] | None:
    """Weights of many variants in few calls, shape ``(n_variants, n_bars)``; ``None`` if the signal takes them singly.

    Parameters
    ----------
    ask
        Runs the signal with complete parameters.
    """
    chosen = together(ask, variants, index) if len(variants) >= FEWEST else []
    if not chosen:
        return None
    weights = np.empty((len(variants), len(index)))
    most = max(2, _NUMBERS_AT_ONCE // len(index))
    for rows in alike(variants, chosen):
        for part in np.array_split(rows, -(-len(rows) // most)):
            answer = ask_together(ask, chosen, [variants[row] for row in part], index)
            if answer is None:
                return None
            weights[part] = answer
    for row in {0, len(variants) // 2, len(variants) - 1}:
        alone = ask(variants[row])
        if not isinstance(alone, pd.Series) or not _same_bits(weights[row], alone.to_numpy()):
            return None
    return weights


def together(ask: Ask, variants: Sequence[Mapping[str, object]], index: pd.Index) -> list[str]:
    """The parameters that vary and that the signal takes many values of at once."""
    names = [name for name in variants[0] if all(_is_number(variant[name]) for variant in variants)]
    different = {name: [variant for variant in variants if variant[name] != variants[0][name]] for name in names}
    return [
        name
        for name, others in different.items()
        if others and ask_together(ask, [name], [variants[0], others[0]], index) is not None
    ]


def alike(variants: Sequence[Mapping[str, object]], names: Sequence[str]) -> list[list[int]]:
    """Positions of the variants that differ in the named parameters alone, group by group."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, variant in enumerate(variants):
        groups.setdefault(tuple(repr(value) for name, value in variant.items() if name not in names), []).append(row)
    return list(groups.values())


def ask_together(
    ask: Ask, names: Sequence[str], variants: Sequence[Mapping[str, object]], index: pd.Index
) -> NDArray[np.generic] | None:
    """Weights of variants that differ in the named parameters alone, a row each, if one call gives them."""
    many = {name: Many(np.array([[variant[name]] for variant in variants])) for name in names}
    try:
        answer = ask({**variants[0], **many})
    except (Exception, Apart):  # noqa: BLE001 - asked alone, the signal says what is wrong
        return None
    if not isinstance(answer, Many) or answer._index is None or not answer.index.equals(index):
        return None
    return answer.table if answer.table.shape == (len(variants), len(index)) else None


def days(number: object) -> str | Many:
    """A length of time as ``research.signals.series.hold_after`` takes it."""
    return number if isinstance(number, Many) else f"{number}D"


def whole_numbers(number: Many) -> NDArray[np.int64]:
    """Whole numbers above 0, ``(n_variants, 1)``."""
    values = number.table.astype(np.int64)
    if number._index is not None or number.dtype != np.int64 or not (values > 0).all():
        raise Apart
    return values


def values_of(series: object) -> NDArray[np.generic]:
    """Values of a series, ``(n_bars,)``, or of many, ``(n_variants, n_bars)``."""
    return series.table if isinstance(series, Many) else np.asarray(series)


def series_of(values: NDArray[np.generic], like: pd.Series) -> pd.Series:
    """A series on the calendar and of the name of another, or many."""
    made: object = pd.Series(values, like.index, name=like.name) if values.ndim == 1 else Many(values, like.index)
    return cast(pd.Series, made)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same_bits(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    return right.dtype.kind in "biuf" and left.tobytes() == right.astype(np.float64).tobytes()


def _common_index(operands: Sequence[object]) -> pd.Index | None:
    of_series = [item.index for item in operands if isinstance(item, pd.Series)]
    found = of_series + [item._index for item in operands if isinstance(item, Many) and item._index is not None]
    if any(index is not found[0] and not index.equals(found[0]) for index in found[1:]):
        raise Apart
    return found[0] if found else None


def _raw(item: object, index: pd.Index | None) -> Operand:
    """An operand as numpy takes it."""
    if isinstance(item, Many):
        return item.table
    if isinstance(item, pd.Series) and item.dtype in (np.float64, np.int64, np.bool_):
        return item.to_numpy()
    if isinstance(item, np.ndarray) and index is not None and item.shape == (len(index),):
        return item
    if isinstance(item, int | float | np.float64 | np.int64 | np.bool_):
        return item
    raise Apart


def _booleans(condition: Operand) -> NDArray[np.bool_]:
    kept = np.asarray(condition)
    if kept.dtype.kind != "b":
        raise Apart
    return kept


def _known(index: pd.Index | None) -> pd.Index:
    if index is None:
        raise Apart
    return index
