"""What several commands take, declared once: a group of options is one value, and each of its fields an option.

Where the line is silent the config file speaks (``research.cli.config``), and where both are, the default.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from research.cli.command import argument, option
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

Names = Annotated[list[str] | None, argument(metavar="[NAME|FILE]...", help="Strategies; default: the whole thesis.")]
Json = Annotated[bool, option("--json", help="Print one JSON document on stdout and nothing else.")]
Metals = Annotated[
    list[str] | None, option("--metal", metavar="METAL", help="A metal; repeatable. Default: all claimed.")
]
Params = Annotated[list[str] | None, option("--param", metavar="NAME=VALUE", help="Not the default; repeatable.")]


@dataclass(frozen=True, kw_only=True)
class Plain:
    """How the answer is printed, and what must be typed again to mean the same."""

    as_json: Json = False
    config: str = ""

    @property
    def words(self) -> list[str]:
        """What must be typed again."""
        return []


@dataclass(frozen=True, kw_only=True)
class Packs(Plain):
    """Which data."""

    packs: Annotated[
        list[Path] | None,
        option("--data", metavar="DIR", help="Another data pack; repeatable, later packs override earlier ones."),
    ] = None

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
    """Which data, and which price of them an account trades."""

    price: Annotated[
        str | None,
        option(
            "--price",
            metavar="NAME",
            help="monthly, spot, future or etf. Default: the best that is here and not stale.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Dated(Source):
    """Which data and price, and between which dates."""

    start: Annotated[str | None, option(metavar="DATE", help="First bar: YYYY, YYYY-MM or YYYY-MM-DD.")] = None
    end: Annotated[str | None, option(metavar="DATE", help="Last bar: YYYY, YYYY-MM or YYYY-MM-DD.")] = None


@dataclass(frozen=True, kw_only=True)
class Trade(Source):
    """Which data and price, and on which terms of trade."""

    delay: Annotated[int | None, option(metavar="BARS", help="Bars between decision and fill.")] = None
    fees: Annotated[float | None, option(metavar="FRACTION", help="Of the traded value, each way.")] = None
    slippage: Annotated[float | None, option(metavar="FRACTION", help="Of the price, each way.")] = None
    storage: Annotated[float | None, option(metavar="FRACTION", help="Of the value held, a year.")] = None
    borrow: Annotated[float | None, option(metavar="FRACTION", help="Of the value short, a year.")] = None

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
    """Which data, price and dates, on which terms of trade, and whether it counts."""

    no_ledger: Annotated[bool, option(help="Neither count nor record this; the result says so.")] = False

    @property
    def ledger(self) -> Ledger | None:
        """Where what is tried is counted."""
        from research.ledger import Ledger

        return None if self.no_ledger else Ledger()


@dataclass(frozen=True, kw_only=True)
class Judged(Terms):
    """All that a study needs: data, price, dates, terms, and the rules of the verdict."""

    level: Annotated[
        float | None, option(metavar="P", help="Largest p-value that counts as evidence; at most 0.05.")
    ] = None
    min_events: Annotated[int | None, option(metavar="N", help="Fewest events that give a p-value; at least 6.")] = None

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
class Files:
    """What is written beside what is printed."""

    html: Annotated[Path | None, option(metavar="FILE", help="Write a self-contained report.")] = None
    run: Annotated[Path | None, option(metavar="DIR", help="Write a run folder, for replay.")] = None

    def __post_init__(self) -> None:
        check_writable(self.html)
        if self.run is not None:
            from research.runs import check_folder

            check_folder(self.run)


@dataclass(frozen=True, kw_only=True)
class StudyFiles(Files):
    """What a study can write: also its tables."""

    out: Annotated[Path | None, option(metavar="DIR", help="Write rows, bars, orders and trades as CSV.")] = None
    parquet: Annotated[bool, option(help="With --out: Parquet in place of CSV.")] = False

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
    """A list made from packs and the thesis in force, kept by their content, unless others' strategies are in it."""
    from importlib.metadata import entry_points

    from research.home import BUNDLED, bundled_folder
    from research.kept import kept

    folders = [*asked.folders, THESIS.get() or bundled_folder(), BUNDLED, BUNDLED.parent / "research" / "sources"]
    return kept(name, folders, make, lasting=lambda: not entry_points(group="assay.strategies"))


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


def parameters_of(words: Iterable[str] | None) -> dict[str, object]:
    """``["threshold=2.0"]`` -> ``{"threshold": 2.0}``."""
    parameters: dict[str, object] = {}
    for word in words or []:
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


def _given(group: Packs, names: Iterable[str]) -> Mapping[str, object]:
    return {name: value for name in names if (value := getattr(group, name)) is not None}
