"""A server of ours in a thread of this process, over loopback."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pagesight import IndexConfig, SearchEngine

TEXTS = {
    "fruit/apples.txt": "apples and pears in a basket",
    "fruit/quinces.txt": "quinces from the old garden",
    "wheels.txt": "a bicycle for everybody",
}


def make_index(folder: Path) -> Path:
    """A small index of text files, made with the toy encoder."""
    for name, text in TEXTS.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with SearchEngine.open(folder / "index", model="hashing") as engine:
        engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1))
    return folder / "index"


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[str]:
    """The address of a server that is ready. folder: for what it writes."""
    import uvicorn

    from pagesight.engine.server.app import create_app
    from pagesight.engine.server.settings import ServerSettings

    app = create_app(ServerSettings(**{"state": folder / "state", **settings}))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=lambda: server.run(sockets=[bound]), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        try:
            wait_until_ready(address)
            yield address
        finally:
            server.should_exit = True
            thread.join(30)


def wait_until_ready(address: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=seconds):
                return
        except OSError as error:  # also a timeout of the answer, and an answer of 503
            if time.monotonic() > until:
                raise TimeoutError(f"{address} is not ready: {error}") from error
            time.sleep(0.05)
