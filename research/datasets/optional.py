"""Packages that only some commands need: their absence is one line, not a traceback."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from research.errors import DataError


def need(package: str) -> ModuleType:
    """Import a package of an optional extra.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise DataError(f"{package}: not installed; pip install {package.replace('_', '-')}") from None
