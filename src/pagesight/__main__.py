"""``python -m pagesight``."""

from pagesight.engine.cli.main import main

main()
