"""Live data: the only code that touches the network, one module per provider, of the name it has in the catalogue.

Every provider's module has the pure ``parse(body, wanted, as_of) -> DataFrame`` of ``observed_for`` and values. The
bytes come as the catalogue's ``ask`` says or, where that is not enough, by the module's own ``download(client, wanted,
last) -> Download``. ``fetch`` brings the user's pack up to date, ``add`` takes in a file; both leave what is kept
untouched when anything is wrong.
"""

from research.sources.catalog import entries, entry
from research.sources.fetching import AddReport, FetchReport, Outcome, add, fetch

__all__ = ["AddReport", "FetchReport", "Outcome", "add", "entries", "entry", "fetch"]
