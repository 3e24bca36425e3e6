"""assay by its own name, which a folder or a file called ``research`` does not hide.

::

    from assay import open_data, strategy, backtest, compare

is ``from research import …`` wherever that finds assay's own package, and finds it where something else of that name
lies in front, as beside a notebook.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def _home() -> Path:
    """The package: beside this file, or, of an editable install, in the folder that the path names."""
    places = [Path(__file__).resolve().parent, *(Path(entry or ".").resolve() for entry in sys.path)]
    for place in places:
        if (place / "research" / "verdict.py").is_file():
            return place / "research"
    raise ImportError("assay: its package `research` is not installed; install assay again")


_HOME = _home()


def main() -> int:
    """Run the command line."""
    from research.cli import main as run

    return run()


def _own_package() -> ModuleType:
    found = sys.modules.get("research")
    if found is None:
        spec = importlib.util.spec_from_file_location(
            "research", _HOME / "__init__.py", submodule_search_locations=[str(_HOME)]
        )
        assert spec is not None
        assert spec.loader is not None
        found = sys.modules["research"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    elif str(_HOME) not in map(str, getattr(found, "__path__", ())):
        where = getattr(found, "__file__", None) or "a folder of that name"
        raise ImportError(
            f"assay: `research` is already {where}, not assay's own; import assay before it, or rename it"
        )
    return found


_package = _own_package()
__all__ = list(_package.__all__)


def __getattr__(name: str) -> Any:
    return getattr(_package, name)


if __name__ == "__main__":
    sys.exit(main())
