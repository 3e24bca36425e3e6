"""Many values of a parameter at once, through a signal that was written for one.

``score > threshold`` means the same whether ``threshold`` is 1.5 or stands for a thousand thresholds: what a grid
repeats is then one operation on a table instead of a thousand on series. ``decide_together`` runs a signal with
``Many`` in the place of its numbers. Arithmetic, comparisons and ``np.where`` are numpy's on the table, and a series'
methods are pandas' own on a frame with a column a variant: element by element what they are of one series, to the
last bit. Whatever else is asked of it (a text, a truth, an integer) raises ``Apart``, and that parameter is given one
value at a time, as ever. While a signal is asked so, ``pd.Series`` and the methods of a series take many as they take
one. A few variants are always run alone and must agree.
"""

from __future__ import annotations

import functools
import operator
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, NoReturn, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEWEST = 12
"""Variants for which it is worth trying."""

_NUMBERS_AT_ONCE = 250_000  # what the processor's cache holds
_EXACT = {  # what gives the same bits for an element alone and in a table
    np.add, np.subtract, np.multiply, np.true_divide, np.negative, np.absolute, np.sign, np.isnan, np.isfinite,
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.sqrt, np.floor, np.ceil,
    np.logical_and, np.logical_or, np.logical_not, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
    np.maximum, np.minimum, np.fmax, np.fmin,
}  # fmt: skip
_OPERATORS = {name: getattr(operator, name) for name in "gt ge lt le eq ne add sub mul truediv".split()}  # noqa: SIM905
_GIVEN_MANY = ("where", "mask", "clip", "fillna")  # methods of a series that take a series
_BY_PANDAS = "clip fillna notna isna ffill shift diff cummax cummin abs astype rolling".split()  # noqa: SIM905
_OF_WINDOWS = ("sum", "mean", "min", "max", "std", "count")
_asking = threading.RLock()  # one signal at a time: what stands in for pandas is the same for all threads
_calendar: ContextVar[pd.Index | None] = ContextVar("calendar", default=None)  # of the signal that is asked here

Table = NDArray[np.generic]
Operand = Table | np.generic | float
Ask = Callable[[Mapping[str, object]], object]


class Apart(BaseException):
    """Not to be answered for many values at once; no author's ``except Exception`` may swallow it."""


class Many(np.lib.mixins.NDArrayOperatorsMixin):
    """A number, or a series on one calendar, for each of many variants; its methods are those of a series.

    Attributes
    ----------
    table
        Shape ``(n_variants, 1)`` for numbers, ``(n_variants, n_bars)`` for series; never written into.
    index
        The calendar of a series; asking a number for it raises ``Apart``.
    """

    __pandas_priority__ = 10_000
    __array_priority__ = 10_000.0
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(self, table: Table, index: pd.Index | None = None) -> None:
        self.table = table
        self._index = index
        self.attrs: dict[str, object] = {}

    @property
    def index(self) -> pd.Index:
        """The calendar of a series."""
        return _known(self._index)

    dtype = property(lambda self: self.table.dtype)
    values = loc = property(lambda self: self)

    def copy(self) -> Many:
        """As of a series."""
        return Many(self.table, self._index)

    to_numpy = copy

    def __array_ufunc__(self, function: np.ufunc, method: str, *operands: object, **options: object) -> Many:
        _unless(method != "__call__" or options or function not in _EXACT)
        index = _common_index(operands)
        with np.errstate(all="ignore"):
            return Many(np.asarray(function(*(_raw(item, index) for item in operands))), index)

    def __array_function__(
        self, function: object, types: object, operands: tuple[object, ...], options: Mapping[str, object]
    ) -> Many:
        _unless(function is not np.where or len(operands) != 3 or options)
        index = _common_index(operands)
        condition, yes, no = (_raw(item, index) for item in operands)
        return Many(np.where(_booleans(condition), yes, no), index)

    def where(self, condition: object, other: object = np.nan) -> Many:
        """As of a series; without the passes over all that pandas makes first."""
        found = cast(Many, np.where(cast(Any, condition), self, cast(Any, other)))
        _unless(self.dtype.kind == "b" and found.dtype.kind != "b")  # pandas makes objects of these
        return Many(found.table, _known(found._index))

    def mask(self, condition: object, other: object = np.nan) -> Many:
        """As of a series."""
        _unless(not isinstance(condition, Many | pd.Series))
        return self.where(~cast(Many, condition), other)

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name in _OPERATORS:
            return functools.partial(_OPERATORS[name], self)
        if name in _BY_PANDAS:
            return functools.partial(self._by_pandas, name)
        raise AttributeError(name) if name.startswith("_") else Apart

    def _by_pandas(self, method: str, *given: object, **named: object) -> Many | _Windows:
        """What pandas' own method gives of a frame with a column a variant."""
        arguments = (*given, *named.values())
        n_variants = max(len(item.table) for item in (self, *arguments) if isinstance(item, Many))
        index = _known(_common_index((self, *arguments)))
        _unless("axis" in named)
        if method == "clip" and len(arguments) > 1:  # two bounds are put in order
            _unless(any(isinstance(item, Many) for item in arguments))

        def framed(item: object) -> object:
            if not isinstance(item, Many | pd.Series | np.ndarray):
                _unless(pd.api.types.is_list_like(item) or (callable(item) and not isinstance(item, type)))
                return item
            return pd.DataFrame(np.broadcast_to(_raw(item, index), (n_variants, len(index))).T, index, copy=False)

        frame, *others = map(framed, (self, *given))
        answer = getattr(frame, method)(*others, **{name: framed(item) for name, item in named.items()})
        return _many_of(answer) if isinstance(answer, pd.DataFrame) else _Windows(answer)

    def __setitem__(self, condition: object, value: object) -> None:
        number = isinstance(value, int | float) or (isinstance(value, Many) and value._index is None)
        _unless(self.dtype != np.float64 or not number)
        self.table = self.mask(condition, value).table

    def __bool__(self) -> bool:
        truths = self.table != 0
        _unless(self._index is not None or (truths != truths[0]).any())
        return bool(truths[0, 0])

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise Apart

    __format__ = __str__ = __repr__ = __int__ = __float__ = __index__ = __round__ = _refuse
    __len__ = __iter__ = __getitem__ = __contains__ = __array__ = _refuse
    __pow__ = __rpow__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse


class _Windows:
    """Trailing windows of many series, as pandas has them."""

    def __init__(self, windows: Any) -> None:
        self._windows = windows

    def __getattr__(self, name: str) -> Callable[..., Many]:
        _unless(name not in _OF_WINDOWS)
        return lambda: _many_of(getattr(self._windows, name)())


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
        with _asking, _in_series(index):
            answer = ask({**variants[0], **many})
    except (Exception, Apart):  # noqa: BLE001 - asked alone, the signal says what is wrong
        return None
    if not isinstance(answer, Many) or answer._index is None or not answer.index.equals(index):
        return None
    return answer.table if answer.table.shape == (len(variants), len(index)) else None


@contextmanager
def _in_series(calendar: pd.Index) -> Iterator[None]:
    """Let ``pd.Series(many, index)``, and a series' methods that are given many, give many."""
    from unittest.mock import patch

    kind, methods = _stand_ins()
    before = _calendar.set(calendar)
    try:
        with patch.multiple(pd.Series, **methods), patch.object(pd, "Series", kind):
            yield
    finally:
        _calendar.reset(before)


@functools.cache
def _stand_ins() -> tuple[type, dict[str, Any]]:
    """What stands in for ``pd.Series``, and for which of its methods.

    A series of one number becomes many, since a part of it may be set to another for each variant.
    """
    real: Any = pd.Series

    class Kind(type(real)):  # type: ignore[misc]
        def __instancecheck__(cls, item: object) -> bool:
            return isinstance(item, real)

        def __call__(cls, data: object = None, index: object = None, dtype: object = None, **more: object) -> object:
            if not isinstance(data, Many):
                number = type(data) in (int, float) and isinstance(index, pd.Index)
                by = sys._getframe(1).f_globals.get("__name__", "")
                if not number or by.startswith("pandas.") or _calendar.get() is None:
                    return real(data, index, dtype, **more)
            known = _known(index if isinstance(index, pd.Index) else None)
            _unless(isinstance(data, Many) and not data.index.equals(known))
            many = Many(data.table if isinstance(data, Many) else np.full((1, len(known)), data), known)
            return many if dtype is None else many.astype(dtype)

    def method(name: str) -> Callable[..., object]:
        plain = getattr(real, name)

        def call(series: pd.Series, *given: object, **more: object) -> object:
            if any(isinstance(item, Many) for item in (*given, *more.values())):
                table = np.asarray(_raw(series, series.index))[None, :]
                return getattr(Many(table, series.index), name)(*given, **more)
            return plain(series, *given, **more)

        return call

    return Kind("Series", (real,), {}), {name: method(name) for name in (*_OPERATORS, *_GIVEN_MANY)}


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
    array = not found and any(isinstance(item, np.ndarray) and item.ndim == 1 for item in operands)
    return found[0] if found else _calendar.get() if array else None


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
    _unless(kept.dtype.kind != "b")
    return kept


def _many_of(frame: pd.DataFrame) -> Many:
    """A column for each variant as many series, where they are numbers or truths."""
    table = frame.to_numpy().T
    _unless(table.dtype not in (np.float64, np.int64, np.bool_))
    return Many(table, frame.index)


def _known(index: pd.Index | None) -> pd.Index:
    """The calendar of a series; a number has none."""
    if index is None:
        raise Apart
    return index


def _unless(wrong: object) -> None:
    """Refuse to answer for many at once if something is so."""
    if wrong:
        raise Apart
