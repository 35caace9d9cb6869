"""The command line in processes that begin ready: each is forked from one that has loaded what every command loads.

Starting Python and loading numpy, SQLAlchemy and our own modules takes most of a second, of which these tests learn nothing.
Arguments, environment, working folder, streams, exit code and threads are each process's own, as ever. What is only looked at when
Python starts, such as PYTHONPATH, is that of the tests: ``run_cli`` starts Python anew where a test sets any variable.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOADED = (
    "numpy.random",
    "rich.console",
    "pagesight.engine.api",
    "pagesight.engine.cli.index",
    "pagesight.engine.cli.search",
    "pagesight.engine.indexing",
    "pagesight.engine.models.hashing",
    "pagesight.indexer.reading.ocr",
    "pagesight.storage.care.doctor",
    "pagesight.storage.store",
)


def run_forked(arguments: Sequence[str], *, cwd: Path | None, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run([sys.executable, "-m", "pagesight", *arguments], capture_output=True, text=True)``."""
    command = ["pagesight", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        order = {
            "argv": command,
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ),
            "out": str(out),
            "err": str(err),
        }
        forker = _forker()
        assert forker.stdin
        assert forker.stdout
        print(json.dumps(order), file=forker.stdin, flush=True)
        if not select.select([forker.stdout], [], [], timeout_s)[0]:
            stop_forker()
            raise subprocess.TimeoutExpired(command, timeout_s)
        code = int(forker.stdout.readline())
        return subprocess.CompletedProcess(command, code, out.read_text("utf-8"), err.read_text("utf-8"))


@cache
def _forker() -> subprocess.Popen[str]:
    """One for all tests of this process; ended by ``stop_forker`` at their end."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.forked"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def stop_forker() -> None:
    if _forker.cache_info().currsize:
        forker = _forker()
        with forker:
            os.killpg(forker.pid, signal.SIGKILL)
        _forker.cache_clear()


def _fork_for_each_order() -> None:
    for module in LOADED:
        import_module(module)
    gc.freeze()  # what is loaded stays, and need not be looked through by each process
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _become(**order)
            runpy.run_module("pagesight", run_name="__main__", alter_sys=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(argv: list[str], cwd: str, env: dict[str, str], out: str, err: str) -> None:
    for stream, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, out, os.O_WRONLY | os.O_CREAT),
        (2, err, os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(name, flags), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = argv


if __name__ == "__main__":
    _fork_for_each_order()
