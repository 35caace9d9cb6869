"""A server of object storage on this machine, SeaweedFS, and a bucket in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.helpers import free_port

WEED = shutil.which("weed") or shutil.which("weed", path=os.path.dirname(sys.executable))


@contextmanager
def object_storage(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which it is reached."""
    master, volume, filer, s3, *grpc = [free_port() for _ in range(8)]
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}  # nobody is kept out
    folder.mkdir(parents=True)
    command = [str(WEED), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-volume.max=100", "-master.volumeSizeLimitMB=16", "-s3.port.lance=0", "-s3.port.iceberg=0",
               f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}",
               f"-master.port.grpc={grpc[0]}", f"-volume.port.grpc={grpc[1]}", f"-filer.port.grpc={grpc[2]}",
               f"-s3.port.grpc={grpc[3]}"]  # fmt: skip
    log = open(folder / "log", "w")  # noqa: SIM115 - closed with the server
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{s3}"
        until = time.monotonic() + 120
        while not _keeps_files(address):
            assert server.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < until, "the server of object storage does not answer"
            time.sleep(0.2)
        yield {**keys, "AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1"}
    finally:
        server.kill()  # told to stop, it takes half a minute
        server.wait()
        log.close()


def _keeps_files(address: str) -> bool:
    """Whether all parts of the server know each other: it listens before that."""
    bucket = f"probe-{time.monotonic_ns()}"
    try:
        put_raw(bucket, address=address)
        put_raw(bucket, "file", b"any", address=address)
    except OSError:
        return False
    return True


def make_bucket(name: str) -> Any:
    """A new one, as a store of files."""
    from obstore.store import S3Store

    store: Any = S3Store(name, client_options={"allow_http": True})
    put_raw(name)
    return store


def put_raw(bucket: str, key: str = "", data: bytes = b"", *, address: str | None = None) -> None:
    """An object under a name as it is, which clients would write otherwise or refuse; without one, the bucket itself."""
    url = f"{address or os.environ['AWS_ENDPOINT_URL']}/{bucket}" + (f"/{quote(key, safe='/')}" if key else "")
    urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT"), timeout=60).close()
