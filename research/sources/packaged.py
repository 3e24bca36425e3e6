"""What the packages that bring their own connection are held to: quiet, and patient like the client itself."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import warnings
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def quietly(*loggers: str) -> Iterator[None]:
    """Swallow what a package prints, logs and warns: its failure is said once, by us.

    Streams and filters belong to the process, so only one thread is inside at a time.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        former = {name: logging.getLogger(name).level for name in loggers}
        for name in loggers:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                yield
        finally:
            for name, level in former.items():
                logging.getLogger(name).setLevel(level)


def one_line(error: BaseException) -> str:
    """The message of an error on one line, cut to what a line holds."""
    return " ".join(str(error).split())[:160]
