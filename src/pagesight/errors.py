"""All errors that are not bugs, in one tree: see ``SearchEngineError``.

from pagesight import SearchEngine, errors

try:
hits = SearchEngine.open("reports-index").search("turnover by region")
except errors.StoreNotFound:
...
"""

from pagesight.storage.errors import *  # noqa: F403 - the list of names is written once, there
from pagesight.storage.errors import __all__  # noqa: F401
