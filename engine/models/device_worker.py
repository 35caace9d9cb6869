"""The process that runs a model on one device; see device_pool. Frames of pickled values, as indexer.reading.worker frames them:

(name, ModelConfig)             once, first  -> ("ready", identity of the encoder)
("encode_pages", pages)                      -> ("done", list of EncodedPage)
("encode_queries", texts)                    -> ("done", list of EncodedQuery)
("encode_passages", texts)                   -> ("done", list of EncodedPage), where the identity says that it can
and, instead of any of these answers, ("error", class, text)
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from typing import IO, Any

from pagesight.engine.models import load_model
from pagesight.indexer.frames import receive, send
from pagesight.storage.errors import SearchEngineError

IDENTITY = (
    "name",
    "fingerprint",
    "single_dim",
    "token_dim",
    "image_pixels",
    "reads_words",
    "opening_weight",
    "trained_single",
)
ONLY_SOME = ("task",)  # have it


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up between our frames
    encoder: Any = None
    while (frame := receive(requests)) is not None:
        request = pickle.loads(frame)  # noqa: S301 - from the process that started this one
        try:
            if encoder is None:
                encoder = load_model(*request)
                answer: tuple[object, ...] = ("ready", _identity(encoder))
            else:
                answer = ("done", getattr(encoder, request[0])(request[1]))
        except SearchEngineError as error:
            answer = ("error", type(error).__name__, str(error))
        if not _send(answers, answer):
            return


def _identity(encoder: Any) -> dict[str, Any]:
    identity = {name: getattr(encoder, name) for name in IDENTITY}
    identity |= {name: getattr(encoder, name) for name in ONLY_SOME if hasattr(encoder, name)}
    return identity | {"passages": hasattr(encoder, "encode_passages")}


def _send(answers: IO[bytes], answer: tuple[object, ...]) -> bool:
    """False if the parent is gone."""
    try:
        send(answers, pickle.dumps(answer))
    except BrokenPipeError:
        return False
    return True


if __name__ == "__main__":
    main()
