"""A user's own file, understood before it is kept: what was read, how, and what is odd about it.

``understand`` is pure but for reading the file: it returns the observations with a preview of every reading it
made, or raises one line that says what, where and the remedy. It never guesses between two readings.
"""

from research.datasets.importing.understand import ImportOptions, Understood, understand

__all__ = ["ImportOptions", "Understood", "understand"]
