"""A worker for the tests, of small made-up texts, that ends like a killed process where it is told to.

python -m tests.working.dying_worker ADDRESS [STEP NTH | word WORD | asleep | never]

STEP: of a commit (storage.postgres.writer), at its Nth time. WORD: on a page that is to be encoded. asleep: it stops, with SIGSTOP,
after its first file.
"""

import os
import signal
import sys
import threading

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.engine.working.worker import WorkConfig, Worker
from pagesight.storage.postgres import jobs

address, kind, *rest = sys.argv[1:]
seen, seen_files = 0, []
LEASE_S = 1.5


def end_at(step: str) -> None:
    global seen  # noqa: PLW0603 - a program of one page
    seen += step == kind
    if step == kind and seen == int(rest[0]):
        os._exit(9)


class Mortal:
    """The model, which dies of a word."""

    def __init__(self, encoder):
        self._encoder = encoder

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def encode_pages(self, pages):
        if kind == "word" and any(rest[0] in page.words.texts for page in pages):
            os._exit(9)
        return self._encoder.encode_pages(pages)


def tell(outcome):
    print(outcome.status, outcome.source.path, flush=True)
    if kind == "asleep" and not seen_files:
        os.kill(os.getpid(), signal.SIGSTOP)
    seen_files.append(outcome.source.path)


jobs.JobTable.fault = staticmethod(end_at)
with SearchEngine.open(address, model="hashing") as engine:
    worker = Worker(
        engine.store,
        Mortal(engine.encoder),
        IndexConfig(n_processes=1),
        # Short is the lease of who does not come back; who works on a busy machine keeps what it has.
        WorkConfig(until_empty=True, poll_s=0.1, lease_s=120.0 if kind == "never" else LEASE_S),
        on_outcome=tell,
        on_note=lambda note: print("note", note, flush=True),
    )
    print("ready", flush=True)
    worker.run(threading.Event())
