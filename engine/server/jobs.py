"""Indexing that clients ask for: one job after another, in a thread, written down before it is promised.

A job that the process did not live to finish begins again at the next start; indexing passes over what is committed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.engine.indexing import index_files
from pagesight.engine.server.allowed import is_allowed
from pagesight.engine.server.errors import NotFound
from pagesight.engine.server.journal import Job, Journal
from pagesight.engine.server.settings import ServerSettings
from pagesight.indexer.priority import give_way
from pagesight.indexer.running.pipeline import PageDone
from pagesight.indexer.running.warm import WarmReader
from pagesight.storage.errors import ConfigError, SearchEngineError, StoreLocked
from pagesight.storage.tables.database import disk_errors

log = logging.getLogger("pagesight.server")
LOCK_SECONDS = 1.0  # between two attempts to get the right to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running job is. document, page, n_pages: of the page encoded last. files, pages: finished."""

    files: int = 0
    pages: int = 0
    document: str = ""
    page: int = 0
    n_pages: int = 0


class _Stopped(Exception):
    """The job is cancelled, or the server ends."""


class Jobs:
    """Started by ``start``, in a state folder that no other server uses."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings, self.folder = settings, settings.state_folder
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._running: str | None = None
        self._progress: dict[str, Progress] = {}
        self._cancelled: set[str] = set()
        self._unwritten: dict[str, tuple[str, str]] = {}
        self._closing = False
        self._warm = WarmReader()
        self._journal: Journal | None = None
        self._lock = FileLock(self.folder / "lock", blocking=False, thread_local=False)
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Take the state folder and go on with what was not finished. Raises ConfigError, DiskFull."""
        try:
            with disk_errors(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock.acquire()
                self._journal = Journal(self.folder)
        except Timeout as error:
            raise ConfigError(f"another server uses the folder {self.folder}; name another as its state") from error
        except OSError as error:
            raise ConfigError(f"cannot write to the folder {self.folder}: {error.strerror}; name another") from error
        for job in self._journal.unfinished():
            if job.index not in self._settings.indexes:
                self._journal.set_status(job.id, "failed", f"the index {job.index!r} is not served any more")
                continue
            if job.status != "queued":
                self._journal.set_status(job.id, "queued")
            self._waiting.append(job.id)
        self._thread.start()

    def add(self, index: str, paths: Sequence[Path], *, kind: str = "path", **options: Any) -> Job:
        """Queue the indexing of files and folders; it is on the disk when this returns. options: fields of IndexConfig.

        A file joins the last upload if that has not begun: starting the reading processes takes longer than reading most files.
        """
        IndexConfig(**options)
        texts = [str(path) for path in paths]
        journal = self.journal
        with self._changed:
            if kind == "upload":
                for job_id in reversed(self._waiting):
                    last = journal.get(job_id)
                    if last is None or (last.kind, last.index) != ("upload", index):
                        continue
                    extended = journal.extend(job_id, texts[0])
                    if extended is not None:
                        return extended
                    break
            job = journal.add(index, kind, texts, options)
            self._waiting.append(job.id)
            self._changed.notify_all()
        return job

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        job = self.journal.get(job_id)
        if job is None:
            raise NotFound(f"there is no job {job_id[:64]!r}")
        status, reason = self._unwritten.get(job_id, (job.status, job.reason))
        return replace(job, status=status, reason=reason)

    def progress(self, job_id: str) -> Progress:
        return self._progress.get(job_id, Progress())

    def cancel(self, job_id: str) -> Job:
        """What is committed is kept. A job that has ended stays as it is. Raises NotFound."""
        job = self.get(job_id)
        with self._changed:
            if job_id in self._waiting:
                self._waiting.remove(job_id)
                self.journal.set_status(job_id, "cancelled")
            elif job_id == self._running:
                self._cancelled.add(job_id)
            self._changed.notify_all()
        return self.get(job.id)

    @property
    def journal(self) -> Journal:
        """Raises NotFound if this server has no jobs, because it only reads."""
        if self._journal is None:
            raise NotFound("this server was started for reading only and has no jobs")
        return self._journal

    @property
    def pending(self) -> int:
        """Waiting and running."""
        return len(self._waiting) + (self._running is not None)

    def close(self) -> None:
        """Stop between two pages; what is not finished begins again at the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        self._warm.close()
        if self._journal is not None:
            self._journal.close()
        self._lock.release()

    def _work(self) -> None:
        give_way(self._settings.nice)
        while True:
            with self._changed:
                while not (self._waiting or self._closing):
                    self._changed.wait()
                if self._closing:
                    return
                job_id = self._running = self._waiting.pop(0)
            try:
                self._run(job_id)
            except Exception:
                log.exception("job %s", job_id)
            finally:
                with self._changed:
                    self._running = None
                    self._cancelled.discard(job_id)
                    self._progress.pop(job_id, None)

    def _run(self, job_id: str) -> None:
        journal, job = self.journal, self.get(job_id)
        status, reason = "failed", "an error of the server; its log says more"
        try:
            journal.set_status(job_id, "running")
            self._index(job)
            status, reason = "done", ""
        except _Stopped:
            status, reason = ("cancelled", "") if job_id in self._cancelled else ("queued", "")
        except SearchEngineError as error:
            status, reason = "failed", str(error)
            log.warning("job %s failed: %s", job_id, error)
        finally:
            try:
                journal.set_status(job_id, status, reason)
            except SearchEngineError as error:  # a full disk: it is known until the process ends, then begins again
                log.warning("job %s: %s", job_id, error)
                self._unwritten[job_id] = (status, reason)

    def _index(self, job: Job) -> None:
        """With an engine of its own, which shares the model, and reading processes with other jobs: the one that answers may be changed for another meanwhile."""
        usual: dict[str, Any] = {
            "password": self._settings.password, "nice": self._settings.nice, "part": self._settings.part
        }  # fmt: skip
        if self._settings.jobs is not None:
            usual["n_processes"] = self._settings.jobs
        config = IndexConfig(**usual | job.options)
        with SearchEngine.open(self._settings.indexes[job.index]) as engine:
            while True:
                try:
                    self._index_with(engine, job, config)
                    return
                except StoreLocked:
                    self.journal.set_status(job.id, "waiting")
                    self._pause(job.id)

    def _index_with(self, engine: SearchEngine, job: Job, config: IndexConfig) -> None:
        def on_page(done: PageDone) -> None:
            self._check(job.id)
            before = self.progress(job.id)
            self._progress[job.id] = Progress(
                files=before.files,
                pages=before.pages + 1,
                document=done.source.path,
                page=done.number,
                n_pages=done.n_pages,
            )

        def leave_out(path: Path) -> bool:
            """Links below a folder lead where they lead; a client may not follow them out of the allowed folders."""
            return job.kind == "path" and not is_allowed(path, self._settings.allowed_folders)

        n_files, paths = 0, [Path(path) for path in job.paths]
        found = index_files(engine.made(), engine.encoder, paths, config, on_page, leave_out, warm=self._warm)
        with closing(found) as outcomes:  # type: ignore[type-var]  # a generator
            for outcome in outcomes:
                if n_files == 0:
                    self.journal.set_status(job.id, "running")
                self.journal.add_outcome(job.id, outcome)
                n_files += 1
                before = self.progress(job.id)
                self._progress[job.id] = Progress(files=n_files, pages=before.pages, document=outcome.source.path)
                self._check(job.id)

    def _check(self, job_id: str) -> None:
        if self._closing or job_id in self._cancelled:
            raise _Stopped

    def _pause(self, job_id: str) -> None:
        with self._changed:
            self._changed.wait(LOCK_SECONDS)
        self._check(job_id)
