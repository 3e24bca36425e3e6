"""Versions of everything that a number depends on."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("numpy", "pandas", "vectorbt", "statsmodels", "scipy")


def versions() -> dict[str, Any]:
    """Of assay, of Python, and of the packages that compute."""
    return {
        "assay": _version("assay"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
