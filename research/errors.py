"""Every error a user can meet, as one small tree.

::

    AssayError                     one line: what, where, remedy
    ├── DataError                  the data are not what they must be
    │   ├── UnknownDataset         no pack holds that id
    │   ├── RegistryError          a registry.toml that cannot be read as one
    │   ├── IntegrityError         a file is missing or differs from its SHA-256
    │   ├── ValidationError        rows that no observation table may have
    │   └── NoData                 nothing in the asked-for range
    ├── StrategyError              a strategy is not what it must be
    │   ├── UnknownStrategy        no such name or file
    │   ├── ParameterError         an unknown or unusable parameter
    │   └── SignalError            weights that cannot be traded
    │       └── NoDecision         a signal that never decides in the asked-for range
    ├── ExecutionError             costs, delays or dates that make no sense
    ├── ConfigError                a config file that cannot be read, or a key that is none
    ├── SourceError                a provider did not give what it promises
    ├── RunError                   a recorded run that cannot be read or replayed
    └── RegistrationError          a claim on record that was changed or cannot be followed

The command line prints an ``AssayError`` as one line and exits with 2;
anything else is a bug and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType


class AssayError(Exception):
    """Base of all errors that a user can mend."""

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook cell too, where IPython asks for this."""
        return [f"{type(self).__name__}: {self}"]


class DataError(AssayError):
    """The data are not what they must be."""


class UnknownDataset(DataError):
    """No pack holds a dataset of that id."""


class RegistryError(DataError):
    """A ``registry.toml`` cannot be read as a registry."""


class IntegrityError(DataError):
    """A file is missing, or its bytes differ from the pinned SHA-256."""


class ValidationError(DataError):
    """A table has rows that no observation table may have."""


class NoData(DataError):
    """Nothing is left in the asked-for range."""


class StrategyError(AssayError):
    """A strategy is not what it must be."""


class UnknownStrategy(StrategyError):
    """No strategy of that name or file."""


class ParameterError(StrategyError):
    """An unknown parameter, or a value that cannot be used."""


class SignalError(StrategyError):
    """The signal returned weights that cannot be traded."""


class NoDecision(SignalError):
    """The signal never decides in the asked-for range, or too late to earn."""


class ExecutionError(AssayError):
    """Costs, delays or dates that make no sense."""


class ConfigError(AssayError):
    """A config file cannot be read, or says what nobody asks."""


class SourceError(AssayError):
    """A provider did not give what it promises."""


class RunError(AssayError):
    """A recorded run cannot be read or replayed."""


class RegistrationError(AssayError):
    """A claim on record was changed, or cannot be registered or followed."""


def reason(error: Exception) -> str:
    """What went wrong in words: of an ``OSError`` without its number and file.

    Parameters
    ----------
    error
        What was raised.
    """
    return str(getattr(error, "strerror", None) or error)


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put ``where`` before what is wrong inside, once, so that what raises need not know it.

    Parameters
    ----------
    where
        A file, a dataset, a provider.
    """
    try:
        yield
    except AssayError as error:
        if not str(error).startswith(f"{where}:"):
            error.args = (f"{where}: {error}",)
        raise


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, else all of them.

    >>> did_you_mean("sliver", ["gold", "silver"])
    "; did you mean 'silver'?"
    >>> did_you_mean("xyz", ["gold", "silver"])
    '; there are: gold, silver'

    Parameters
    ----------
    word
        What was typed.
    known
        What there is.
    """
    choices = sorted(known)
    near = get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are: {', '.join(choices)}" if choices else "; there are none"


def need(package: str) -> ModuleType:
    """Import a package of an optional extra, whose absence is one line and no traceback.

    Parameters
    ----------
    package
        Its name, as it is imported.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise DataError(f"{package}: not installed; pip install {package.replace('_', '-')}") from None
