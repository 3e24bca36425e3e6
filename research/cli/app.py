"""The commands by their modules. Each parses, calls the house, prints what it returns, and says what comes next."""

from __future__ import annotations

import os
from pathlib import Path

import click

from research.cli.command import Commands
from research.errors import ExecutionError

GREETING = """\
assay puts an investment thesis about gold and silver on trial: is it true, or only told well?
  a leak, rejected:          assay check --demo
  a clean rule, judged:      assay backtest --demo
  the whole thesis:          assay compare
  an idea of your own:       assay new my_idea       (all commands: assay --help)"""

HOMES = {
    **dict.fromkeys(("compare", "backtest", "strategies", "judge", "claims", "today"), "study"),
    "data": "data",
    "check": "check",
    "sweep": "sweep",
    **dict.fromkeys(("register", "follow", "trials", "replay", "diff", "seal", "verify"), "records"),
    "new": "new",
    "mcp": "mcp",
}

SHELLS = ("bash", "zsh", "fish")


def assay(version: bool = False, show_completion: bool = False) -> None:
    """Put an investment thesis about metals on trial.

    Parameters
    ----------
    version
        Print the version and exit.
    show_completion
        Print the line by which this shell completes commands; it goes into the file that the shell starts with, as by
        assay --show-completion >> ~/.bashrc.
    """
    if version:
        from importlib.metadata import version as installed

        click.echo(f"assay {installed('assay')}")
        raise click.exceptions.Exit
    if show_completion:
        click.echo(_completion())
        raise click.exceptions.Exit
    if click.get_current_context().invoked_subcommand is None:
        click.echo(GREETING)


def _completion() -> str:
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise ExecutionError(f"SHELL={shell}: assay completes in {', '.join(SHELLS)}; begin the line with SHELL=bash")
    asked = f"env _ASSAY_COMPLETE={shell}_source assay"
    return f"{asked} | source" if shell == "fish" else f'eval "$({asked})"'


app = Commands("assay", assay, HOMES)
