"""Point-in-time data: what each number is, and when it was known."""

from research.datasets.data import Data, open_data
from research.datasets.dataset import Dataset
from research.datasets.market import Market
from research.datasets.panel import Panel

__all__ = ["Data", "Dataset", "Market", "Panel", "open_data"]
