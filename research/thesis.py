"""Strategy: a thesis made testable: a claim in words, what would refute it, and one function to weights."""

from __future__ import annotations

import inspect
import itertools
import pickle
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from research.errors import AssayError, ParameterError, SignalError, StrategyError, did_you_mean
from research.provenance import by_value, identity
from research.values import frozen
from research.weights import ROUNDING, UNKNOWN, Rule, check_weights, floats, in_bills, numbers

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from research.datasets.data import Data
    from research.datasets.panel import Panel

Signal = Callable[..., "pd.Series"]


class Provenance(TypedDict):
    """What a result was made from: a rule, its parameters, and the SHA-256 of each dataset."""

    strategy: str
    source: str
    metal: str
    parameters: Mapping[str, object]
    data: dict[str, str]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Strategy:
    """One testable claim.

    A value: equal to another with the same declaration that computes the same, a copy of itself, and pickled with its
    own code inside, so that a process that has neither its file nor its notebook can run it.

    Attributes
    ----------
    name
        How it is asked for; the function's name.
    claim
        The claim in words, as its supporters would put it.
    metals
        Metals that it can trade.
    inputs
        Alias -> dataset id; ``{metal}`` in an id stands for the traded metal.
    expected_sign
        +1 if the claim says that following it pays, -1 if it says that it costs.
    falsifier
        What would refute the claim.
    grid
        Parameter -> every value that was or will be tried. The product of all is the number of
        trials that the statistics account for, times the metals.
    signal
        ``signal(panel, **parameters)`` -> target weights on ``panel.index``: ``w`` of the account
        in metal and ``1 - w`` in bills; NaN keeps the position as it is.
    references
        Where the claim or the method comes from.
    optional
        Aliases of inputs that it can do without; ``alias in panel`` says whether one is there.
    vectorised
        Parameters that the signal takes as an array of values, one for each variant; it then returns a table of
        ``len(panel.index)`` rows and one column a variant. All other parameters are single values.
    tried
        How many variants were tried to arrive at it, where no grid can list them: of what was made elsewhere.
    """

    name: str
    claim: str
    metals: tuple[str, ...]
    inputs: Mapping[str, str]
    expected_sign: Literal[-1, 1]
    falsifier: str
    grid: Mapping[str, tuple[object, ...]]
    signal: Signal
    references: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    vectorised: tuple[str, ...] = ()
    tried: int = 1

    def __repr__(self) -> str:
        return f"<Strategy {self.name} on {', '.join(self.metals)}: {self.claim}>"

    def _repr_html_(self) -> str:
        from research.report.notebook import strategy_html

        return strategy_html(self)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Strategy)
            and self._declared() == other._declared()
            and self.source_hash == other.source_hash
        )

    def __hash__(self) -> int:
        return hash((self.name, self.claim))

    def __copy__(self) -> Strategy:
        return self

    def __deepcopy__(self, memo: object) -> Strategy:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled, (by_value({**self._declared(), "signal": self.signal}, self.signal),)

    def _declared(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "signal"}

    @property
    def defaults(self) -> dict[str, object]:
        """Parameters of the signal with their default values."""
        parameters = itertools.islice(inspect.signature(self.signal).parameters.items(), 1, None)
        return {name: parameter.default for name, parameter in parameters}

    def parameters(self, given: Mapping[str, object] | None = None) -> dict[str, object]:
        """Return the defaults, overridden by ``given``.

        Raises
        ------
        ParameterError
            If a name is unknown, or a value is not of its default's kind: a number, a text, true or false.
        """
        defaults = self.defaults
        for name, value in (given or {}).items():
            if name not in defaults:
                raise ParameterError(f"{self.name}: no parameter {name!r}{did_you_mean(name, defaults)}")
            if wanted := _other_kind(value, defaults[name]):
                raise ParameterError(f"{self.name}: {name}={value!r}: {wanted} is needed, as {defaults[name]!r} is")
        return {**defaults, **(given or {})}

    def variants(self) -> list[dict[str, object]]:
        """Every combination of the declared grid, defaults filled in."""
        return [
            self.parameters(dict(zip(self.grid, values, strict=True)))
            for values in itertools.product(*self.grid.values())
        ]

    def inputs_for(self, metal: str, available: Container[str] | None = None) -> dict[str, str]:
        """Alias -> dataset id for one metal, without the optional inputs that are not ``available``.

        Parameters
        ----------
        metal
            Which metal.

        Raises
        ------
        StrategyError
            If the claim says nothing about that metal.
        """
        if metal not in self.metals:
            raise StrategyError(f"{self.name}: says nothing about {metal!r}{did_you_mean(metal, self.metals)}")
        ids = {alias: dataset.format(metal=metal) for alias, dataset in self.inputs.items()}
        if available is None:
            return ids
        return {alias: ids[alias] for alias in ids if alias not in self.optional or ids[alias] in available}

    def weights(
        self, panel: Panel, parameters: Mapping[str, object] | None = None, *, max_leverage: float = 1.0
    ) -> pd.Series:
        """Run the signal and return its target weights, checked.

        Parameters
        ----------
        panel
            What was known at each bar.
        parameters
            Other than the defaults.

        Raises
        ------
        ParameterError
            If a parameter is unknown.
        StrategyError
            If the signal itself raises.
        SignalError
            If the result is no Series of numbers on ``panel.index`` within ``max_leverage``.
        """
        weights = self.decide(panel, self.parameters(parameters))
        return check_weights(weights, panel.index, max_leverage, self.name)

    def decide(self, panel: Panel, parameters: Mapping[str, object]) -> Any:
        """What the signal returns for complete parameters, unchecked; vectorised ones are passed as it takes them.

        Parameters
        ----------
        panel
            What was known at each bar.
        parameters
            All of them.
        """
        import pandas as pd

        if not self.vectorised:
            return self._ask(panel, parameters)
        table, index = self._columns(panel, [parameters])
        return pd.Series(table[:, 0], index=index)

    def weight_table(
        self, panel: Panel, variants: Sequence[Mapping[str, object]], *, max_leverage: float = 1.0
    ) -> np.ndarray:
        """Target weights of many variants, shape ``(n_variants, n_bars)``; NaN throughout for one that never decides.

        Parameters
        ----------
        panel
            What was known at each bar.
        variants
            Complete parameters of each. Neighbours that differ in ``vectorised`` parameters alone are
            decided in one call of the signal.
        max_leverage
            Largest absolute weight that is allowed.

        Raises
        ------
        SignalError
            As ``weights``, with the parameters of the variant at fault.
        """
        import numpy as np
        import pandas as pd

        from research.many import decide_together

        index = panel.index
        table = np.empty((len(variants), len(index)))
        if self.vectorised:
            row = 0
            for _, group in itertools.groupby(variants, lambda variant: {**variant, **dict.fromkeys(self.vectorised)}):
                columns = pd.DataFrame(*self._columns(panel, list(group)))
                table[row : row + columns.shape[1]] = floats(columns, index, self.name).T
                row += columns.shape[1]
        elif (together := decide_together(lambda variant: self._ask(panel, variant), variants, index)) is not None:
            table = together
        else:
            for row, variant in enumerate(variants):
                table[row] = numbers(self._ask(panel, variant), index, self.name)
        far = np.maximum(np.fmax.reduce(table, axis=1), -np.fmin.reduce(table, axis=1)) > max_leverage * ROUNDING
        rows = np.flatnonzero(far)  # what is unknown is far, too
        beyond = rows[(np.abs(in_bills(table[rows])) > max_leverage * ROUNDING).any(axis=1)]
        if beyond.size:
            values = ", ".join(f"{name}={value!r}" for name, value in variants[beyond[0]].items())
            check_weights(pd.Series(table[beyond[0]], index=index), index, max_leverage, f"{self.name}({values})")
        return table

    def _columns(self, panel: Panel, variants: Sequence[Mapping[str, object]]) -> tuple[np.ndarray, pd.Index]:
        """What the signal returns for variants that differ in vectorised parameters alone, one a column."""
        import numpy as np
        import pandas as pd

        arrays = {name: np.array([variant[name] for variant in variants]) for name in self.vectorised}
        table = self._ask(panel, {**variants[0], **arrays})
        if np.shape(table) != (len(panel.index), len(variants)):
            raise SignalError(
                f"{self.name}: {', '.join(self.vectorised)} are vectorised and {len(variants)} values were asked for, "
                f"but the signal returned shape {np.shape(table)}; return {(len(panel.index), len(variants))}"
            )
        return np.asarray(table), table.index if isinstance(table, pd.DataFrame) else panel.index

    def _ask(self, panel: Panel, parameters: Mapping[str, object]) -> Any:
        """Run the signal; what is no error of the house becomes one that names the line at fault."""
        try:
            with panel.memo.active():
                return self.signal(panel, **parameters)
        except AssayError:
            raise
        except (Exception, SystemExit) as error:
            where = traceback.extract_tb(error.__traceback__)
            mine = [frame for frame in where if frame.filename == self.signal.__code__.co_filename] or where
            place = f"{Path(mine[-1].filename).name}:{mine[-1].lineno}"
            raise StrategyError(f"{self.name}: the signal raised {type(error).__name__}: {error} ({place})") from error

    @property
    def source_hash(self) -> str:
        """SHA-256 of what the signal computes (``research.provenance.identity``)."""
        return identity(self)

    def provenance(self, metal: str, parameters: Mapping[str, object], data: Data) -> Provenance:
        """What a result on ``metal`` was made from, as plain values: rule, parameters and SHA-256 of each input.

        Parameters
        ----------
        parameters
            All of them.
        data
            What it was run on.
        """
        return {
            "strategy": self.name,
            "source": self.source_hash,
            "metal": metal,
            "parameters": dict(parameters),
            "data": {dataset: data[dataset].sha256 for dataset in self.inputs_for(metal, data).values()},
        }


def strategy(
    *,
    claim: str,
    metal: str | Iterable[str],
    inputs: Mapping[str, str],
    expected_sign: Literal[-1, 1],
    grid: Mapping[str, Iterable[object]] | None = None,
    falsifier: str = "No timing alpha in the claimed direction.",
    references: Iterable[str] = (),
    optional: Iterable[str] = (),
    vectorised: Iterable[str] = (),
    name: str | None = None,
) -> Callable[[Signal], Strategy]:
    """Make a ``Strategy`` of a function ``signal(panel, **parameters)``.

    Parameters
    ----------
    claim
        The claim in words, as its supporters would put it.
    metal
        One metal or several that it can trade.
    inputs
        Alias -> dataset id, as the signal reads it: ``panel["lease"]``. ``{metal}`` in an id stands for the traded
        metal; ``assay data`` lists the ids.
    expected_sign
        +1 if the claim says that following it pays, -1 if it says that it costs.
    grid
        Parameter -> every value that was or will be tried, the default among them. All are counted.
    falsifier
        What would refute the claim.
    references
        Where the claim or the method comes from.
    optional
        Aliases of inputs that it can do without; ``alias in panel`` says whether one is there.
    vectorised
        Parameters that the signal takes as an array, one value for each variant; it then returns a table.
    name
        How it is asked for; by default the function's name.

    Raises
    ------
    StrategyError
        If the declaration contradicts itself: a grid over a parameter that the function lacks, a
        parameter without a default, a sign that is neither +1 nor -1, no claim, no inputs.

    Examples
    --------
    >>> from research import hold_while, strategy
    >>> @strategy(
    ...     claim="Silver rises after its lease rate has risen for a quarter.",
    ...     metal="silver",
    ...     inputs={"lease": "silver_lease_rate"},
    ...     expected_sign=+1,
    ...     falsifier="Holding silver after such quarters earns no more than holding as much on average.",
    ...     grid={"months": [3, 6]},
    ... )
    ... def rising_lease(panel, months=3):
    ...     return hold_while(panel["lease"].diff(months), above=0.0)
    >>> rising_lease
    <Strategy rising_lease on silver: Silver rises after its lease rate has risen for a quarter.>
    >>> rising_lease.variants()
    [{'months': 3}, {'months': 6}]

    ``backtest(rising_lease)`` judges it, ``assay backtest FILE`` the same from the command line. The weights alone:

    >>> from research import open_data
    >>> data = open_data(user=False)
    >>> panel = data.panel("silver", rising_lease.inputs_for("silver"), data.market("silver"))
    >>> sorted(rising_lease.weights(panel).loc["1990":"2000"].unique().tolist())
    [0.0, 1.0]
    """

    def declare(signal: Signal) -> Strategy:
        called = name or str(getattr(signal, "__name__", "strategy"))
        declared = Strategy(
            name=called,
            claim=claim.strip(),
            metals=(metal,) if isinstance(metal, str) else tuple(metal),
            inputs=frozen(inputs),
            expected_sign=expected_sign,
            falsifier=falsifier.strip(),
            grid=frozen({key: tuple(values) for key, values in (grid or {}).items()}),
            signal=signal,
            references=tuple(references),
            optional=tuple(optional),
            vectorised=tuple(vectorised),
        )
        for problem in _problems(declared):
            raise StrategyError(f"{called}: {problem}")
        return declared

    return declare


def _other_kind(value: object, default: object) -> str:
    """What is needed instead of a value; empty if it is of its default's kind."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "True or False"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "a text"
    if not isinstance(default, int | float):
        return ""
    number = not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)
    return "" if number else "a number"


def _unpickled(content: bytes) -> Strategy:
    return Strategy(**pickle.loads(content))


def hold_while(
    number: pd.Series, *, above: float | None = None, below: float | None = None, hold_days: int = 0
) -> pd.Series:
    """Weights of a rule on one number: 1 while it is above (or below) a threshold, else 0; unknown is not no.

    Parameters
    ----------
    number
        As known at each decision, on ``panel.index``; NaN where it is not known.
    above, below
        One of the two: the threshold.
    hold_days
        Calendar days for which the position goes on after the last time that it was so.

    Returns
    -------
    Series
        1 or 0; ``UNKNOWN`` where the number is not known and no position goes on; NaN before the first number.

    Raises
    ------
    SignalError
        Unless exactly one threshold is given.
    """
    from research.many import days
    from research.signals.series import hold_after

    if (above is None) == (below is None):
        raise SignalError("hold_while: give one threshold, above=… or below=…")
    if hold_days < 0:
        raise SignalError(f"hold_while: hold_days {hold_days}: no position ends before it begins; use 0 or more")
    happened = number > above if above is not None else number < below
    held = hold_after(happened, days(hold_days)) if hold_days else happened.astype(float)
    weights: pd.Series = where_known(held, number.notna() | (held > 0))
    weights.attrs["rule"] = (
        Rule(number, above, 1, hold_days) if above is not None else Rule(number, cast(float, below), -1, hold_days)
    )
    return weights


def where_known(weights: pd.Series, known: pd.Series) -> pd.Series:
    """Weights where ``known``, NaN before the first such bar, ``UNKNOWN`` in between and after.

    Parameters
    ----------
    weights
        On ``panel.index``.
    """
    return weights.where(known, UNKNOWN).where(known.cummax())


def _problems(declared: Strategy) -> Iterator[str]:
    """Where a declaration contradicts itself."""
    if not declared.claim:
        yield "no claim; say in words what is claimed"
    if declared.expected_sign not in (-1, 1):
        yield f"expected_sign is {declared.expected_sign!r}; use +1 or -1"
    if not declared.metals or not declared.inputs:
        yield "declare at least one metal and one input"
    for alias in declared.optional:
        if alias not in declared.inputs:
            yield f"optional input {alias!r} is not declared{did_you_mean(alias, declared.inputs)}"
    if not inspect.signature(declared.signal).parameters:
        yield f"the signal takes no panel; write def {declared.name}(panel, …)"
    defaults = declared.defaults
    for key, default in defaults.items():
        if default is inspect.Parameter.empty:
            yield f"parameter {key!r} has no default value; give it one"
    for key in declared.vectorised:
        if key not in defaults:
            yield f"vectorised names {key!r}{did_you_mean(key, defaults)}"
    for key, values in declared.grid.items():
        if key not in defaults:
            yield f"grid names {key!r}{did_you_mean(key, defaults)}"
        elif not values:
            yield f"grid of {key!r} is empty; list the values that were tried"
        elif defaults[key] not in values:
            yield f"default {key}={defaults[key]!r} is not in its grid; every value that is tried counts"
