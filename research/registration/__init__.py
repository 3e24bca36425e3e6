"""Claims put on record: what is said today is frozen, and only what comes after is counted."""

from research.registration.counting import Followed, Following, follow, line_since
from research.registration.document import Registration, anchor, read
from research.registration.freezing import register

__all__ = [
    "Followed",
    "Following",
    "Registration",
    "anchor",
    "follow",
    "line_since",
    "read",
    "register",
]
