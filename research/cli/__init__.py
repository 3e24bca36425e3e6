"""The command line: parse, call, print. Heavy rooms are imported only by the command that needs them."""

from __future__ import annotations

import codecs
import gc
import sys
from collections.abc import Sequence

import click

_SIGNS = str.maketrans("–—−…─│“”‘’×·✓", "---~-|\"\"''x.*") | {ord("±"): "+-"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; bad input is one line on stderr and exit code 2.

    ``--debug``, anywhere on the line, shows the traceback instead.
    """
    if arguments is None:
        _spare_jupyter()
        gc.set_threshold(50_000, 20, 20)  # a command makes much and ends soon: cycles are looked for seldom
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    _write_anywhere()
    from research.cli.app import app
    from research.cli.options import TYPED
    from research.errors import AssayError

    TYPED.set(words)
    try:
        status = app.main(args=words, prog_name="assay", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except AssayError as error:
        if debug:
            raise
        return _refuse(str(error))
    except click.ClickException as error:
        return _refuse(f"{error.format_message()} (see assay --help)")
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except (KeyboardInterrupt, click.Abort):
        return _refuse("interrupted", 130)


def _write_anywhere() -> None:
    """Whatever the output's encoding: a sign that it lacks becomes the nearest plain one."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    import unicodedata

    text = error.object[error.start : error.end].translate(_SIGNS)
    base = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return base.encode("ascii", "replace").decode(), error.end


def _spare_jupyter() -> None:
    """Keep vectorbt's import from loading Jupyter's widgets, with all that they load: a terminal shows none.

    plotly makes do without ipywidgets and FigureWidget. It is as long a wait as all the rest where nbformat is
    installed, whose validator compiles a grammar.
    """
    sys.modules.setdefault("ipywidgets", None)  # type: ignore[arg-type]


def _refuse(message: str, status: int = 2) -> int:
    print(f"assay: {' '.join(message.splitlines())}", file=sys.stderr)  # noqa: T201
    return status
