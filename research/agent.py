"""``assay mcp``: the house for people who ask an assistant, by the Model Context Protocol.

Four tools over the JSON that the command line prints. Nothing is loosened for them: the terms and rules are the
defaults, every call is counted in the ledger, and of a file no fewer trials can be named than were named before.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from research.errors import need

if TYPE_CHECKING:
    from mcp.server import MCPServer

INSTRUCTIONS = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")

_LEFT_OUT = frozenset({"rows", "grid", "findings", "study", "coverage"})
"""What a reader of the whole JSON has, and a conversation has no room for."""


def server(command: Callable[[Sequence[str]], int]) -> MCPServer:
    """The server, over a command line that prints JSON.

    Raises
    ------
    DataError
        If the SDK is not installed.
    """
    need("mcp")
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    house = MCPServer("assay", instructions=INSTRUCTIONS)
    alone, named = Lock(), dict[Path, int]()

    def ask(name: str, target: str | None = None, **options: str | Sequence[str] | None) -> str:
        words = [name, "--json"]
        for option, value in options.items():
            values = [value] if isinstance(value, str) else value or ()
            words += [f"--{option}={item}" if item else f"--{option}" for item in values]
        said, problem = io.StringIO(), io.StringIO()
        with alone, redirect_stdout(said), redirect_stderr(problem):
            command([*words, *(["--", target] if target is not None else [])])
        if not said.getvalue():
            raise ToolError(problem.getvalue().strip())
        return json.dumps(_short(json.loads(said.getvalue())))

    def strategies() -> str:
        """What there is: each strategy's claim, sign, falsifier, inputs, and which of them are missing here."""
        return ask("strategies")

    def check(strategy: str, metal: str | None = None) -> str:
        """Whether a strategy, by name or .py file, looks ahead; the leak is named. A file's code is run."""
        return ask("check", strategy, metal=metal)

    def judge(
        target: str,
        metal: str,
        trials: int | None = None,
        kind: Literal["weights", "returns", "equity", "trades"] | None = None,
        claims: list[str] | None = None,
        parameters: list[str] | None = None,
    ) -> str:
        """The verdict on a strategy (name or .py file), or on a file of weights, returns, equity or trades.

        Of a file of results `trials` is how many variants were looked at to find it, this one among them, and `claims`
        are figures such as "Sharpe 1.8" to recompute; of a strategy `parameters` are such as "threshold=2.0".
        """
        if Path(target).suffix in ("", ".py"):
            return ask("backtest", target, metal=metal, param=parameters)
        least = named.get(Path(target).resolve(), 1)
        if trials is None or trials < least:
            raise ToolError(
                f"trials {trials}: count every variant that was looked at, {least} or more; ask who made it"
            )
        named[Path(target).resolve()] = trials
        return ask("judge", target, metal=metal, trials=str(trials), claims=claims, **{"as": kind})

    def claims(verdicts: bool = False) -> str:
        """The claims of the thesis with their evidence; with verdicts each is judged, which takes a minute or two."""
        return ask("claims", **({"verdicts": ""} if verdicts else {}))

    for tool in (strategies, check, judge, claims):
        house.add_tool(tool, structured_output=False)
    return house


def _short(document: object) -> object:
    if isinstance(document, dict):
        return {key: _short(value) for key, value in document.items() if key not in _LEFT_OUT}
    return [_short(item) for item in document] if isinstance(document, list) else document
