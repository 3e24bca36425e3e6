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
  an honest rule, judged:    assay backtest --demo
  the whole thesis:          assay compare
  an idea of your own:       assay new my_idea       (all commands: assay --help)"""

HOMES = {
    "compare": "study",
    "backtest": "study",
    "strategies": "study",
    "data": "data",
    "check": "check",
    "sweep": "sweep",
    "claims": "claims",
    "today": "claims",
    "register": "registered",
    "follow": "registered",
    "trials": "records",
    "replay": "records",
    "diff": "records",
    "judge": "judge",
    "seal": "records",
    "verify": "records",
    "mcp": "mcp",
    "new": "new",
}

SHELLS = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
"""Shell -> the file that it reads when it starts."""


def assay(version: bool = False, install_completion: bool = False, show_completion: bool = False) -> None:
    """Put an investment thesis about metals on trial.

    Parameters
    ----------
    version
        Print the version and exit.
    install_completion
        Let this shell complete commands, from its next start.
    show_completion
        Print the line that does so, to be put where it is wanted.
    """
    if version:
        from importlib.metadata import version as installed

        click.echo(f"assay {installed('assay')}")
        raise click.exceptions.Exit
    if install_completion or show_completion:
        click.echo(_completion(install=install_completion))
        raise click.exceptions.Exit
    if click.get_current_context().invoked_subcommand is None:
        click.echo(GREETING)


def _completion(*, install: bool) -> str:
    """The line by which this shell completes; with ``install`` put at the end of the file that it reads."""
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise ExecutionError(f"SHELL={shell}: assay completes in {', '.join(SHELLS)}; begin the line with SHELL=bash")
    asked = f"env _ASSAY_COMPLETE={shell}_source assay"
    line = f"{asked} | source" if shell == "fish" else f'eval "$({asked})"'
    if not install:
        return line
    file = Path.home() / SHELLS[shell]
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    if line not in before:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{before.rstrip()}\n{line}\n".lstrip(), encoding="utf-8")
    return f"{file} has: {line}"


app = Commands("assay", assay, HOMES)
