"""Makes an index of the present format: python -m tests.golden.make FOLDER.

Run once a format version, when it is released; the folder is then kept for ever.
"""

import sys
from pathlib import Path

from pagesight.storage.store import Store
from tests.helpers import add_document, space


def main() -> None:
    with Store.create(Path(sys.argv[1]), space()) as store, store.writer() as writer:
        add_document(writer, "fruit/apples.pdf", ["apples and pears in a basket", "", "quinces from the old garden"])
        add_document(writer, "wheels.pdf", ["bicycles for the whole family"])
        add_document(writer, "copy.pdf", ["bicycles for the whole family"])
        writer.set_tags(add_document(writer, "tagged.pdf", ["a tagged page"]), {"customer": "acme"})


if __name__ == "__main__":
    main()
