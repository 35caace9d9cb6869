"""Search inside documents by what is on the page.

    from pagesight import SearchEngine

    with SearchEngine.open("my-index") as engine:
        engine.index(["reports"])
        for hit in engine.search("bank loans due in 2028", k=3):
            print(hit.document, hit.page)

Importing this package costs nothing; what is named here is loaded when it is used. All errors are in ``pagesight.errors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagesight.engine import __all__, __dir__, __getattr__, __version__  # noqa: F401 - the names are listed there

if TYPE_CHECKING:
    from pagesight.engine import *  # noqa: F403
