"""A stand-in for the model hub: one repository over HTTP, as far as fetching a snapshot asks for it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@contextmanager
def hub(folder: Path, *, commit: str, refuse: tuple[int, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve the files of a folder as the one repository there is; gives its address and the list of requested paths.

    refuse: a status, and the code that the hub says it with, for every request.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            path = unquote(urlsplit(self.path).path)
            asked.append(f"{self.command} {path}")
            if refuse is not None:
                self.answer(refuse[0], b"{}", {"X-Error-Code": refuse[1], "X-Error-Message": "no"})
            elif "/tree/" in path:
                files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
                listed = [
                    {"type": "file", "path": file.relative_to(folder).as_posix(), "size": file.stat().st_size, "oid": oid(file)}
                    for file in files
                ]  # fmt: skip
                self.answer(200, json.dumps(listed).encode(), {"Content-Type": "application/json"})
            elif "/revision/" in path:
                names = [
                    {"rfilename": file.relative_to(folder).as_posix()} for file in folder.rglob("*") if file.is_file()
                ]
                self.answer(200, json.dumps({"id": "x/y", "sha": commit, "siblings": names}).encode(), {})
            elif "/resolve/" in path:
                file = folder / path.split("/resolve/")[1].split("/", 1)[1]
                if file.is_file():
                    self.answer(200, file.read_bytes(), {"ETag": f'"{oid(file)}"', "X-Repo-Commit": commit})
                else:
                    self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            else:
                self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def answer(self, status, body, headers):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def oid(file: Path) -> str:
    """As git names its content."""
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
