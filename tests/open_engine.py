"""A process with open engines that is asked over pipes: run as a program it is that process, imported it is who asks.

A line of JSON each way: {"id", "call", "arguments"} and {"id", "result"} or {"id", "error"}. A call that changes the index is a
thread of its own, so that questions are answered meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import Future

from pagesight import IndexConfig, SearchConfig, SearchEngine
from tests.helpers import ROOT


def answer(engine, text, filters=None, *, exact=False):
    """(document, sha256) of all hits, best first."""
    hits = engine.search(text, filters=filters, config=SearchConfig(k=50, exact=exact))
    return tuple((hit.document, hit.sha256) for hit in hits)


def index(engine, docs, **config):
    return engine.index([docs], IndexConfig(text=True, n_processes=1, **config)).counts


class Engine:
    """An engine by the calls that the tests make, here or over pipes."""

    def __init__(self, folder):
        self.engine = SearchEngine.open(folder, model="hashing")

    def answer(self, text, filters=None, exact=False):
        return answer(self.engine, text, filters, exact=exact)

    def index(self, docs, **config):
        return index(self.engine, docs, **config)

    def remove(self, *names, everything=False):
        return self.engine.remove(*names, everything=everything)

    def optimize(self):
        return self.engine.optimize().n_pages_moved

    def examine(self, drop_damaged=False):
        return list(self.engine.examine(drop_damaged=drop_damaged).damaged)

    def close(self):
        self.engine.close()


class Process:
    """An ``Engine`` in a process of its own; any thread may call it."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "tests.open_engine", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._ids, self._lock, self._waiting = itertools.count(), threading.Lock(), {}
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def __getattr__(self, call):
        return lambda *arguments, **options: self._call(call, arguments, options)

    def _call(self, call, arguments, options):
        future = Future()
        with self._lock:
            number = next(self._ids)
            self._waiting[number] = future
            line = {"id": number, "call": call, "arguments": arguments, "options": options}
            print(json.dumps(line, default=str), file=self._process.stdin, flush=True)
        return future.result(timeout=120)

    def _listen(self):
        for line in self._process.stdout:
            said = json.loads(line)
            future = self._waiting.pop(said["id"])
            if "error" in said:
                future.set_exception(AssertionError(said["error"]))
            else:
                result = said["result"]
                future.set_result(tuple(map(tuple, result)) if said["call"] == "answer" else result)
        for future in self._waiting.values():
            future.set_exception(AssertionError("the process ended"))

    def close(self):
        self._process.stdin.close()
        self._listener.join()
        assert self._process.wait() == 0
        self._process.stdout.close()


def main(folder):
    engine, writing = Engine(folder), threading.Lock()

    def serve(said):
        try:
            result = {"result": getattr(engine, said["call"])(*said["arguments"], **said["options"])}
        except Exception as error:
            result = {"error": repr(error)}
        with writing:
            print(json.dumps({"id": said["id"], "call": said["call"], **result}), flush=True)

    threads = []
    for line in sys.stdin:
        said = json.loads(line)
        if said["call"] == "answer":
            serve(said)
        else:
            threads.append(threading.Thread(target=serve, args=(said,)))
            threads[-1].start()
    for thread in threads:
        thread.join()
    with contextlib.closing(engine):
        pass


if __name__ == "__main__":
    main(sys.argv[1])
