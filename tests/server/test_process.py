"""``pagesight serve`` as a user starts it: a process, a port, signals; and what happens when it is killed, slowed or filled up."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest

from pagesight import SearchEngine
from tests.helpers import ROOT, run_cli
from tests.server.conftest import PAGES, wait_for


@contextmanager
def started(*arguments, ready=True, preexec=None, **environment):
    """(process, address) of a server on a free port."""
    command = [sys.executable, "-m", "pagesight", "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=preexec,  # noqa: PLW1509 - sets a limit, and nothing else
    )
    try:
        lines = []
        while not (found := re.search(r"at (http://\S+)", lines[-1] if lines else "")):
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        address = found[1].rstrip("/")
        if ready:
            wait_for(lambda: status(f"{address}/readyz") == 200, 60)
        yield process, address
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def status(address, method="GET", data=None, **headers):
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, data, headers, method=method), timeout=60
        ) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, urllib.error.URLError):
        return 0


def ask(address, path, body=None, method=None):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_it_serves_until_it_is_told_to_end(index, tmp_path):
    key = tmp_path / "key"
    key.write_text("a-key-from-a-file-for-all\n")
    with started(
        *("--index", f"docs={index}", "--read-only-key-file", key, "--log-format", "json", "--prefix", "/find"),
        PAGESIGHT_API_KEY="a-key-from-the-environment",
    ) as (process, address):
        assert address.endswith("/find")
        for given in ("a-key-from-a-file-for-all", "a-key-from-the-environment"):
            assert status(f"{address}/api/totals", Authorization=f"Bearer {given}") == 200
        assert status(f"{address}/api/totals") == 401
        assert status(f"{address}/static/app.js") == status(address.removesuffix("/find") + "/healthz") == 200
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: status(f"{address}/api/totals", **{"X-API-Key": "a-key-from-the-environment"}) == 200)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
        logged = [json.loads(line) for line in process.stderr.read().splitlines()]
        assert {"route", "status", "ms", "client"} <= set(next(line for line in logged if line.get("status") == 401))
        assert "a-key" not in json.dumps(logged)


@pytest.mark.thorough
def test_mistakes_end_with_one_line(tmp_path):
    for arguments, message in [
        (["--host", "0.0.0.0"], "give it a key"),
        (["--prefix", "x/"], "a prefix is a path"),
    ]:
        result = run_cli("serve", "--index", tmp_path, *arguments)
        assert result.returncode == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run_cli("serve", "--index", tmp_path, "--port", taken.getsockname()[1])
        assert (result.returncode, "cannot listen" in result.stderr) == (2, True)


@pytest.mark.slow
def test_killed_during_a_job_and_twenty_uploads_nothing_that_was_promised_is_lost(index, tmp_path):
    place, state = tmp_path / "index", tmp_path / "state"
    with SearchEngine.open(place, model="hashing") as engine:
        engine.index([])
    arguments = ("--index", f"new={place}", "--allow-write", "--allow-folder", index.parent / "docs", "--state", state)
    promised = []
    with started(*arguments) as (process, address):
        job = ask(address, "/api/jobs", {"paths": [str((index.parent / "docs").resolve())]})["id"]
        for number in range(20):
            sent = ask(address, f"/api/uploads/{number}.txt", f"upload number {number}".encode(), "PUT")
            promised.append(sent["document"])
        half = socket.create_connection((address.split("/")[2].split(":")[0], int(address.rpartition(":")[2])))
        half.sendall(
            b"PUT /api/uploads/half.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf a file"
        )
        wait_for(lambda: list((state / "incoming").iterdir()))
        process.kill()
        process.wait()
        half.close()
    with started(*arguments) as (_, address):
        wait_for(lambda: all(found["finished_at"] for found in ask(address, "/api/jobs")["jobs"]), 120)
        found = {document["document"] for document in ask(address, "/api/documents")["documents"]}
        assert found == {*promised, *PAGES}
        assert ask(address, f"/api/jobs/{job}")["status"] == "done"
        assert len(ask(address, f"/api/jobs/{job}/outcomes")["outcomes"]) == len(PAGES)
        assert not (state / "incoming").exists() or not list((state / "incoming").iterdir())
        with SearchEngine.open(place) as engine:
            assert engine.examine().healthy


@pytest.mark.slow
def test_a_full_disk_costs_the_upload_and_nothing_else(index, tmp_path):
    """A limit on the size of files stands for the disk."""
    import resource

    place = tmp_path / "index"
    with SearchEngine.open(place, model="hashing") as engine:
        engine.index([])
    limit = 4 << 20
    arguments = ("--index", f"new={place}", "--allow-write", "--state", tmp_path / "state")
    with started(*arguments, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as (_, address):
        assert status(f"{address}/api/uploads/large.txt", "PUT", b"x" * (limit + 1)) == 507
        assert list((tmp_path / "state/incoming").iterdir()) == []
        sent = ask(address, "/api/uploads/small.txt", b"a small file", "PUT")
        wait_for(lambda: ask(address, f"/api/jobs/{sent['job']['id']}")["finished_at"])
        assert ask(address, "/api/totals")["n_pages"] == 1


@pytest.mark.slow
def test_slow_connections_and_clients_that_leave_hold_nothing_up(index):
    with started("--index", f"docs={index}", "--quiet") as (process, address), ExitStack() as opened:
        host, port = address.removeprefix("http://").split(":")
        heads = [
            b"GET /api/totals HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
            b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
            b"",
        ]
        slow = []
        for number in range(1000):
            slow.append(opened.enter_context(socket.create_connection((host, int(port)))))
            slow[-1].sendall(heads[number % 3])
        body = json.dumps({"query": "lamps"}).encode()
        for _ in range(50):  # asked, and gone before the answer
            with socket.create_connection((host, int(port))) as gone:
                gone.sendall(
                    b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
        began = time.monotonic()
        assert ask(address, "/api/search", {"query": "lamps"})["results"][0]["hits"]
        assert time.monotonic() - began < 10
        closed = 0
        for connection in slow:  # each is closed by the server, or told 408
            connection.settimeout(60)
            try:
                said = connection.recv(1000)
            except ConnectionError:
                said = b""
            closed += said == b"" or b" 408 " in said.split(b"\r\n")[0]
            connection.close()
        assert closed == len(slow)
        wait_for(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) < 100)
