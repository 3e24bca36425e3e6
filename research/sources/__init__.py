"""Live data: the only code that touches the network.

Every provider has a pure ``parse_…(body, wanted, as_of) -> DataFrame`` of ``observed_for`` and values, in one module
with those that answer alike: ``workbooks``, ``feeds``, or Python ``packages``. The bytes come as the catalogue's
``ask`` says or, where that is not enough, by its own ``download_…(client, wanted, last) -> Download``. ``fetch`` brings
the user's pack up to date, ``add`` takes in a file; both leave what is kept untouched when anything is wrong.
"""

from research.sources.catalog import entries, entry
from research.sources.fetching import AddReport, FetchReport, Outcome, add, fetch

__all__ = ["AddReport", "FetchReport", "Outcome", "add", "entries", "entry", "fetch"]
