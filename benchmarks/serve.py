"""Load on a server, over loopback: clients that ask as fast as they are answered, beside the same questions in process.

python -m benchmarks.serve [--seconds 60] [--clients 16] [--pages 30000] [--sample DIR] [--made-up DIR]

For an index of sample_docs with the default model, and one of made-up pages with the toy model; each alone, and while the
server runs an indexing job. Clients are threads of another process, each with one connection. Writes results/serve.json and
the table of docs/server.md.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, write_result
from pagesight import SearchEngine
from pagesight.engine.models.hashing import HashingEncoder

WORDS_A_PAGE, PAGES_A_DOCUMENT, VOCABULARY = 200, 100, 20_000
DOCUMENT = ROOT / "docs/server.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--pages", type=int, default=30_000)
    parser.add_argument("--sample", type=Path, help="an index of sample_docs; made if there is none")
    parser.add_argument("--made-up", type=Path, help="an index of made-up pages; made there if there is none")
    parser.add_argument("--client", nargs=3, metavar=("ADDRESS", "QUESTIONS", "SECONDS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        print(json.dumps(run_clients(given.client[0], Path(given.client[1]), float(given.client[2]), given.clients)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(Path(scratch), given)
    write_result("serve", {"seconds": given.seconds, "clients": given.clients, "rows": rows})
    write_table(rows, given)


def measure(scratch: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    sample = given.sample or scratch / "sample"
    if given.sample is None:
        subprocess.run(
            [sys.executable, "-m", "pagesight", "--index", sample, "index", ROOT / "sample_docs"], check=True
        )
    made_up = given.made_up or scratch / "made-up"
    if not made_up.exists():
        build(made_up, given.pages)
    lines = (ROOT / "sample_docs/queries.jsonl").read_text(encoding="utf-8").splitlines()
    rng = np.random.default_rng(2)
    asked = {
        "sample_docs": [json.loads(line)["query"] for line in lines],
        f"{given.pages:,} made-up pages": [text(rng, 6) for _ in range(200)],
    }
    rows = []
    for (name, questions), index in zip(asked.items(), (sample, made_up), strict=True):
        (scratch / "questions.json").write_text(json.dumps(questions))
        row: dict[str, Any] = {"index": name, "in_process": in_process(index, questions, given)}
        own = scratch / f"{len(rows)}"  # a job that did not end would go on in the next server
        with server(index, own) as (process, address):
            row["memory_mb"] = [memory_mb(process)]
            for phase in ("served", "served_during_a_job"):
                if phase == "served_during_a_job":
                    start_job(address)
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.serve",
                    "--clients",
                    str(given.clients),
                    "--client",
                    address,
                ]
                command += [str(scratch / "questions.json"), str(given.seconds)]
                row[phase] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                row["memory_mb"].append(memory_mb(process))
        rows.append(row)
        print(json.dumps(row))
    return rows


def in_process(index: Path, questions: list[str], given: argparse.Namespace) -> dict[str, Any]:
    """As many threads as the server has ask the engine itself."""
    from pagesight.engine.server.settings import ServerSettings

    n_threads = ServerSettings(indexes={"index": str(index)}).threads
    with SearchEngine.open(index) as engine:
        engine.search(questions[0])

        def one(number: int) -> Callable[[str], int]:
            del number
            return lambda question: 200 if engine.search(question) else 0

        return ask_for(given.seconds, n_threads, questions, one)


def run_clients(address: str, questions: Path, seconds: float, n_clients: int) -> dict[str, Any]:
    host, port = address.split(":")

    def one(number: int) -> Callable[[str], int]:
        del number
        connection = http.client.HTTPConnection(host, int(port), timeout=120)

        def ask(question: str) -> int:
            body = json.dumps({"query": question})
            connection.request("POST", "/api/search", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status

        return ask

    return ask_for(seconds, n_clients, json.loads(questions.read_text()), one)


def ask_for(
    seconds: float, n_threads: int, questions: list[str], one: Callable[[int], Callable[[str], int]]
) -> dict[str, Any]:
    """Throughput and times of threads that ask one question after another. one: what the thread of a number asks with."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        ask, at = one(number), number
        while time.perf_counter() < until:
            began = time.perf_counter()
            status = ask(questions[at % len(questions)])
            times.append(time.perf_counter() - began)
            statuses[status] += 1
            at += n_threads

    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_threads)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - began
    p50, p95, p99 = (round(float(np.percentile(times, q)) * 1e3, 1) for q in (50, 95, 99))
    return {
        "threads": n_threads,
        "per_second": round(len(times) / taken, 1),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "statuses": {str(status): n for status, n in sorted(statuses.items())},
    }


@contextmanager
def server(index: Path, scratch: Path) -> Iterator[tuple[psutil.Process, str]]:
    command = [sys.executable, "-m", "pagesight", "serve", "--quiet", "--port", "0", "--index", f"index={index}"]
    command += ["--index", f"other={scratch / 'other'}", "--allow-write", "--allow-folder", str(ROOT / "sample_docs")]
    process = subprocess.Popen([*command, "--state", scratch / "state"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://([^/]+)/", process.stderr.readline())
    assert found is not None
    try:
        while request(found[1], "GET", "/readyz")[0] != 200:
            time.sleep(0.2)
        yield psutil.Process(process.pid), found[1]
    finally:
        process.terminate()
        process.wait(60)


def start_job(address: str) -> None:
    body = json.dumps({"paths": [str(ROOT / "sample_docs")], "index": "other", "reindex": True})
    status, answer = request(address, "POST", "/api/jobs", body)
    assert status == 201, answer


def request(address: str, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(*address.split(":"), timeout=60)  # type: ignore[arg-type]
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def memory_mb(process: psutil.Process) -> int:
    """Of the server itself, without the processes that read files for it."""
    return round(process.memory_info().rss / 1e6)


def text(rng: np.random.Generator, n_words: int) -> str:
    """Words as frequent as in a language (Zipf)."""
    return " ".join(f"w{number}" for number in np.minimum(rng.zipf(1.3, n_words), VOCABULARY))


def build(folder: Path, n_pages: int) -> None:
    """An index of made-up pages."""
    from pagesight.indexer.content import PageContent
    from pagesight.storage.values import DocumentInfo, NewPage, PageWords, SourceFile

    encoder, rng = HashingEncoder(), np.random.default_rng(1)
    edges = np.linspace(0, 1, WORDS_A_PAGE + 1, dtype=np.float32)
    rows = np.arange(WORDS_A_PAGE, dtype=np.float32) / WORDS_A_PAGE
    boxes = np.stack([edges[:-1], rows, edges[1:], rows + np.float32(0.005)], axis=1).clip(0, 1)
    with SearchEngine.open(folder, model="hashing") as engine:
        engine.index([])
        with engine.store.writer() as writer:
            for first in range(0, n_pages, PAGES_A_DOCUMENT):
                with writer.draft() as draft:
                    for number in range(1, PAGES_A_DOCUMENT + 1):
                        words = PageWords(tuple(text(rng, WORDS_A_PAGE).split()), boxes)
                        page = PageContent(number=number, width_pt=595, height_pt=842, words=words, text_source="text")
                        (encoded,) = encoder.encode_pages([page])
                        draft.add_page(
                            NewPage(
                                number=number,
                                width_pt=595,
                                height_pt=842,
                                text_source="text",
                                words=words,
                                encoded=encoded,
                            )
                        )
                    name = f"{first:08}.pdf"
                    source = SourceFile(root=folder, path=name, location=folder / name, n_bytes=1, mtime_ns=1)
                    info = DocumentInfo(sha256=f"{first:064}", media_type="application/pdf", n_pages=PAGES_A_DOCUMENT)
                    draft.commit(info, source)


def write_table(rows: list[dict[str, Any]], given: argparse.Namespace) -> None:
    lines = [
        f"{given.clients} clients, each asking again as soon as it is answered, for {given.seconds:g} s; beside it as many threads as the server has, asking the engine itself:",
        "",
        "| index | | searches/s | p50 | p95 | p99 |",
        "|---|---|---:|---:|---:|---:|",
    ]
    names = {"in_process": "in process", "served": "served", "served_during_a_job": "served, while a job indexes"}
    for row in rows:
        for key, name in names.items():
            one = row[key]
            lines.append(
                f"| {row['index']} | {name} | {one['per_second']} | {one['p50_ms']} ms | {one['p95_ms']} ms | {one['p99_ms']} ms |"
            )
    content = DOCUMENT.read_text(encoding="utf-8")
    start, end = "<!-- results:serve -->", "<!-- end -->"
    before, _, rest = content.partition(start)
    after = rest.partition(end)[2]
    DOCUMENT.write_text(f"{before}{start}\n{chr(10).join(lines)}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
