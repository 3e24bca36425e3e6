"""``assay mcp``: for assistants."""

from __future__ import annotations


def mcp() -> None:
    """Serve strategies, check, judge and claims to an assistant, over stdin and stdout (extra: agent)."""
    from research.agent import server
    from research.cli import main

    server(main).run()
