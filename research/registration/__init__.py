"""Claims put on record: what is said today is frozen, and only what comes after is counted."""

from research.registration.counting import follow, line_since
from research.registration.freezing import anchor, read, register

__all__ = ["anchor", "follow", "line_since", "read", "register"]
