"""What several commands take, declared once: a group of options is one value, and each of its fields an option.

Where the line is silent the config file speaks (``research.cli.config``), and where both are, the default.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import click

from research.errors import ExecutionError, ParameterError

if TYPE_CHECKING:
    from research.claims import Thesis
    from research.datasets.data import Data
    from research.execution import Execution
    from research.ledger import Ledger
    from research.study import Study
    from research.thesis import Strategy
    from research.verdict import Rules

T = TypeVar("T")

THESIS: ContextVar[Path | None] = ContextVar("thesis", default=None)
"""Folder of the thesis in force, set anew by every command."""

TYPED: ContextVar[list[str]] = ContextVar("typed")
"""The words of the command as they were typed."""


@dataclass(frozen=True, kw_only=True)
class OnMetals:
    """On which metals.

    Attributes
    ----------
    metals : METAL
        A metal; repeatable. Default: all claimed.
    """

    metals: Annotated[list[str] | None, "--metal"] = None


@dataclass(frozen=True, kw_only=True)
class Strategies(OnMetals):
    """Which strategies, on which metals.

    Attributes
    ----------
    names : [NAME|FILE]...
        Strategies; default: the whole thesis.
    """

    names: Annotated[list[str] | None, click.Argument] = None

    def of(self, thesis: Thesis) -> list[Strategy]:
        """Those that were named, or all of the thesis."""
        return [strategy_named(name, thesis) for name in self.names or ()] or thesis.of_kind("thesis")


@dataclass(frozen=True, kw_only=True)
class Variant(OnMetals):
    """On which metals, at which parameters.

    Attributes
    ----------
    params : NAME=VALUE
        Not the default; repeatable.
    """

    params: Annotated[list[str] | None, "--param"] = None

    @property
    def parameters(self) -> dict[str, object]:
        """``["threshold=2.0"]`` -> ``{"threshold": 2.0}``."""
        parameters: dict[str, object] = {}
        for word in self.params or []:
            name, equals, text = word.partition("=")
            if not (name and equals and text):
                raise ParameterError(f"--param {word!r}: write NAME=VALUE, e.g. --param threshold=2.0")
            if name in parameters:
                raise ParameterError(f"--param {word!r}: {name} is given twice; give it once")
            try:
                parameters[name] = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                parameters[name] = text
        return parameters


@dataclass(frozen=True, kw_only=True)
class Plain:
    """How the answer is printed, and what must be typed again to mean the same.

    Attributes
    ----------
    as_json
        Print one JSON document on stdout and nothing else.
    """

    as_json: Annotated[bool, "--json"] = False
    config: str = field(default="", metadata={"option": False})

    @property
    def words(self) -> list[str]:
        """What must be typed again."""
        return []


@dataclass(frozen=True, kw_only=True)
class Packs(Plain):
    """Which data.

    Attributes
    ----------
    packs : DIR
        Another data pack; repeatable, later packs override earlier ones.
    """

    packs: Annotated[list[Path] | None, "--data"] = None

    def open(self) -> Data:
        """The bundled pack, the user's own over it, that of the thesis in force, if it has one, and the named ones."""
        from research.datasets.data import open_data

        return open_data(*self.folders, bundled=False, user=False, price=getattr(self, "price", None))

    @property
    def folders(self) -> list[Path]:
        """The folders of these packs."""
        from research.home import pack_folders

        folder = THESIS.get()
        own = [folder] if folder is not None and (folder / "registry.toml").is_file() else []
        return pack_folders(*own, *(self.packs or []))

    @property
    def words(self) -> list[str]:
        """What must be typed again to mean the same data."""
        thesis, price = THESIS.get(), getattr(self, "price", None)
        again = [("--thesis", thesis), *(("--data", pack) for pack in self.packs or []), ("--price", price)]
        return [str(word) for option in again if option[1] is not None for word in option]


@dataclass(frozen=True, kw_only=True)
class Source(Packs):
    """Which data, and which price of them an account trades.

    Attributes
    ----------
    price : NAME
        monthly, spot, future or etf. Default: the best that is here and not stale.
    """

    price: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dated(Source):
    """Which data and price, and between which dates.

    Attributes
    ----------
    start : DATE
        First bar: YYYY, YYYY-MM or YYYY-MM-DD.
    end : DATE
        Last bar: YYYY, YYYY-MM or YYYY-MM-DD.
    """

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trade(Source):
    """Which data and price, and on which terms of trade.

    Attributes
    ----------
    delay : BARS
        Bars between decision and fill.
    fees : FRACTION
        Of the traded value, each way.
    slippage : FRACTION
        Of the price, each way.
    storage : FRACTION
        Of the value held, a year.
    borrow : FRACTION
        Of the value short, a year.
    """

    delay: int | None = None
    fees: float | None = None
    slippage: float | None = None
    storage: float | None = None
    borrow: float | None = None

    def __post_init__(self) -> None:
        self.execution  # noqa: B018 - terms that make no sense are refused before the work

    @property
    def execution(self) -> Execution:
        """The default terms with what was given."""
        from research.execution import Execution

        names = ("delay", "fees", "slippage", "storage", "borrow")
        return Execution(**_given(self, names))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Terms(Trade, Dated):
    """Which data, price and dates, on which terms of trade, and whether it counts.

    Attributes
    ----------
    no_ledger
        Neither count nor record this; the result says so.
    """

    no_ledger: bool = False

    @property
    def ledger(self) -> Ledger | None:
        """Where what is tried is counted."""
        from research.ledger import Ledger

        return None if self.no_ledger else Ledger()


@dataclass(frozen=True, kw_only=True)
class Judged(Terms):
    """All that a study needs: data, price, dates, terms, and the rules of the verdict.

    Attributes
    ----------
    level : P
        Largest p-value that counts as evidence; at most 0.05.
    min_events : N
        Fewest events that give a p-value; at least 6.
    """

    level: float | None = None
    min_events: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.level is not None or self.min_events is not None:
            self.rules  # noqa: B018

    @property
    def rules(self) -> Rules:
        """The default thresholds of the verdict with what was given, which may only be stricter."""
        from research.verdict import Rules

        return Rules(**_given(self, ("level", "min_events")))  # type: ignore[arg-type]

    def study(
        self,
        strategies: list[Strategy],
        data: Data,
        thesis: Thesis,
        metals: list[str] | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> Study:
        """Strategies, judged as asked; ``parameters`` are those of the first."""
        from research.report.progress import Progress
        from research.study import compare

        with Progress(quiet=self.as_json) as tell:
            found = compare(
                strategies,
                data,
                metals=metals,
                parameters={strategies[0].name: parameters} if parameters else None,
                start=self.start,
                end=self.end,
                execution=self.execution,
                rules=self.rules,
                progress=tell,
                ledger=self.ledger,
                thesis=thesis,
            )
        return replace(found, manifest={**found.manifest, "config": self.config}) if self.config else found


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file does not say of itself.

    Attributes
    ----------
    date_column : NAME
        Where there are several.
    value_column : NAME
        Where there are several.
    sheet : NAME
        Where there are several.
    heading_row : N
        Line of the heading, from 1.
    dates
        Order of day and month.
    decimal
        Decimal sign.
    """

    date_column: str | None = None
    value_column: str | None = None
    sheet: str | None = None
    heading_row: Annotated[int | None, click.IntRange(min=1)] = None
    dates: Literal["dmy", "mdy", "ymd"] | None = None
    decimal: Literal["point", "comma"] | None = None


@dataclass(frozen=True, kw_only=True)
class Files:
    """What is written beside what is printed.

    Attributes
    ----------
    html : FILE
        Write a self-contained report.
    run : DIR
        Write a run folder, for replay.
    """

    html: Path | None = None
    run: Path | None = None

    def __post_init__(self) -> None:
        check_writable(self.html)
        if self.run is not None:
            from research.runs import check_folder

            check_folder(self.run)


@dataclass(frozen=True, kw_only=True)
class StudyFiles(Files):
    """What a study can write: also its tables.

    Attributes
    ----------
    out : DIR
        Write rows, bars, orders and trades as CSV.
    parquet
        With --out: Parquet in place of CSV.
    """

    out: Path | None = None
    parquet: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out is not None:
            from research.study.exports import check_export

            check_export(self.out)


def thesis_in_force() -> Thesis:
    """The thesis of ``--thesis DIR``, or the bundled one."""
    from research.claims import load_thesis

    return load_thesis(THESIS.get())


def kept_with_thesis(name: str, asked: Packs, make: Callable[[], T]) -> T:
    """A list made from packs and the thesis in force, kept by their content."""
    from research.home import BUNDLED, bundled_folder
    from research.kept import kept_list

    folders = [*asked.folders, THESIS.get() or bundled_folder(), BUNDLED, BUNDLED.parent / "research" / "sources"]
    return kept_list(name, folders, make)


def strategy_named(name: str, thesis: Thesis) -> Strategy:
    """A strategy of a thesis, or one from a file."""
    from research.discovery import find_strategy

    return find_strategy(name, thesis.strategies)


def check_writable(file: Path | None) -> None:
    """Refuse, before the work, a file that could not be written after it.

    Raises
    ------
    ExecutionError
        If its folder is missing or may not be written, or a folder has its name.
    """
    if file is None:
        return
    if not file.parent.is_dir():
        raise ExecutionError(f"{file}: there is no folder {file.parent}; make it first: mkdir -p '{file.parent}'")
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise ExecutionError(f"{file}: {'is a folder' if file.is_dir() else 'may not be written'}; name another file")


def _given(group: Packs, names: Iterable[str]) -> Mapping[str, object]:
    return {name: value for name in names if (value := getattr(group, name)) is not None}
