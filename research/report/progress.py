"""A progress line on stderr for anything over a second; silent when nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType


class Progress:
    """Call it with ``(done, total, what)``; the line disappears at the end."""

    def __init__(self, *, quiet: bool) -> None:
        self._on = sys.stderr.isatty() and not quiet
        self._width = 0
        self._started = time.monotonic()
        self.done = 0

    def __enter__(self) -> Progress:
        return self

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that ``done`` of ``total`` steps are behind us, and about how long the others take."""
        self.done = done
        left = (time.monotonic() - self._started) / done * (total - done) if done else 0.0
        about = f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left" if left >= 1 else ""
        self._write(f"{done}/{total} {what}"[: 78 - len(about)] + about)

    def say(self, line: str) -> None:
        """Print a line that stays, above that of the progress."""
        self._write("")
        print(line, file=sys.stderr)  # noqa: T201

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if self._on:
            sys.stderr.write("\r" + text.ljust(self._width) + ("" if text else "\r"))
            sys.stderr.flush()
            self._width = len(text)
