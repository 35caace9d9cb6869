"""``python -m engine`` is ``pagesight``."""

from engine.cli.main import main

main()
