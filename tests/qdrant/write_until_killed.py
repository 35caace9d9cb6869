"""A writer for the tests, which kills itself at a step of its second document.

python -m tests.qdrant.write_until_killed ADDRESS STEP
"""

import os
import signal
import sys

from pagesight.storage.qdrant.store import QdrantStore
from tests.helpers import add_document

address, last = sys.argv[1:]


def reach(step):
    if step == last:
        os.kill(os.getpid(), signal.SIGKILL)


with QdrantStore(address) as store:
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["the first text", "of two pages"])
    print("committed", flush=True)
    with store.writer(reach) as writer:
        add_document(writer, "a.pdf", ["another text", "of three", "pages"])
