"""A writer for the tests: adds documents of two pages until told otherwise, and says which are committed.

python -m tests.postgres.write_until_killed ADDRESS NAME
"""

import itertools
import sys

from pagesight.storage.errors import StoreUnreachable
from pagesight.storage.postgres.store import PostgresStore
from tests.helpers import add_document

address, name = sys.argv[1:]
with PostgresStore(address) as store, store.writer() as writer:
    print("ready", flush=True)
    for number in itertools.count():
        try:
            add_document(writer, f"{name}-{number % 7}.pdf", [f"page one of {name} {number}", "page two"])
        except StoreUnreachable as error:
            print(f"unreachable: {error}", flush=True)
            break
        print(f"{name}-{number % 7}.pdf {number}", flush=True)
