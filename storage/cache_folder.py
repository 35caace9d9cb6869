"""Where things lie that can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "PAGESIGHT_CACHE"


def cache_folder() -> Path:
    """$PAGESIGHT_CACHE, else the user's cache folder."""
    from platformdirs import user_cache_path

    return Path(os.environ.get(CACHE_VARIABLE) or user_cache_path("pagesight"))
