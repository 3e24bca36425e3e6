"""The command line: parse, call, print. Heavy rooms are imported only by the command that needs them."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; bad input is one line on stderr and exit code 2.

    ``--debug``, anywhere on the line, shows the traceback instead.
    """
    if arguments is None:
        _spare_jupyter()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    from typer._click.exceptions import ClickException
    from typer.main import get_command

    from research.cli.app import app
    from research.errors import AssayError

    try:
        status = get_command(app).main(args=words, prog_name="assay", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except AssayError as error:
        if debug:
            raise
        return _refuse(str(error))
    except ClickException as error:
        return _refuse(f"{error.format_message()} (see assay --help)".replace("\n", " "))
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("assay: interrupted", file=sys.stderr)  # noqa: T201
        return 130


def _spare_jupyter() -> None:
    """Keep vectorbt's import from loading Jupyter's widgets, with all that they load: a terminal shows none.

    plotly makes do without ipywidgets and FigureWidget. It is as long a wait as all the rest where nbformat is
    installed, whose validator compiles a grammar.
    """
    sys.modules.setdefault("ipywidgets", None)  # type: ignore[arg-type]


def _refuse(message: str) -> int:
    print(f"assay: {message}", file=sys.stderr)  # noqa: T201
    return 2
