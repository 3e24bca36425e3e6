"""What every command prints on stdout when asked for JSON."""

from __future__ import annotations

import json
from typing import Any

import typer

from research.values import plain


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(plain(document), indent=2, allow_nan=False))
