"""A progress line on stderr for anything over a second; silent when nobody watches."""

from __future__ import annotations

import sys
from types import TracebackType


class Progress:
    """Call it with ``(done, total, what)``; the line disappears at the end."""

    def __init__(self, *, quiet: bool) -> None:
        self._on = sys.stderr.isatty() and not quiet
        self._width = 0
        self.done = 0

    def __enter__(self) -> Progress:
        return self

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that ``done`` of ``total`` steps are behind us."""
        self.done = done
        if self._on:
            self._write(f"{done}/{total} {what}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on:
            self._write("")
            sys.stderr.write("\r")

    def _write(self, text: str) -> None:
        sys.stderr.write("\r" + text[:78].ljust(self._width))
        sys.stderr.flush()
        self._width = len(text[:78])
