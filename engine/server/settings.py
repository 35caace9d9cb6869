"""What a server is told when it starts. Every default is the safe one."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pagesight.storage.errors import ConfigError

DEFAULT_PORT = 8000
MIN_KEY_CHARS = 16  # shorter ones can be guessed
_NAME = re.compile(r"[\w][\w.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may cost. Bytes, counts, and seconds of the clock."""

    json_bytes: int = 1 << 20
    picture_bytes: int = 32 << 20  # of a picture that is searched by, and of a request to /v1 with pictures
    upload_bytes: int = 2 << 30  # of one file
    query_chars: int = 4_000
    filter_chars: int = 8_000
    queries: int = 64  # of one request
    k: int = 1_000
    candidates: int = 10_000
    page: int = 1_000  # rows of a list in one answer
    max_side: int = 2_400  # pixels of a picture's longer side
    paths: int = 1_000  # of one job
    waiting: int = 64  # requests that wait for a thread; one more is answered 429
    streams: int = 64  # open streams of events
    seconds: float = 60.0  # until an answer
    send_seconds: float = 20.0  # that a client may take to send a request, or the next piece of a file
    connections: int = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Secrets that clients show. all: may do everything; read_only: may not change anything. None: there is none."""

    all: str | None = field(default=None, repr=False)
    read_only: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("all", "read_only"):
            key = getattr(self, name)
            if key is not None and len(key) < MIN_KEY_CHARS:
                raise ConfigError(f"the {name} key has {len(key)} characters; at least {MIN_KEY_CHARS} are needed")
            if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
                raise ConfigError(f"the {name} key must be of printable ASCII without blanks around it")
        if self.all is not None and self.all == self.read_only:
            raise ConfigError("the two keys must differ")

    def __bool__(self) -> bool:
        return self.all is not None or self.read_only is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """See ``pagesight.engine.server.app.create_app``.

    indexes: name -> address; the first is meant where a request names none.
    keys: without any, everybody who reaches the server may do what it allows; ``check_address`` then allows loopback only.
    allow_write: whether anything may be changed over HTTP at all: uploads, jobs, removals.
    allowed_folders: files at or below them may be indexed by their path, if writing is allowed.
    allowed_hosts: names the server goes by, beside addresses and localhost; needed behind a proxy.
    prefix: path that a proxy serves us under and does not strip, as "/search".
    state: folder for uploads and the journal of jobs; made when first needed.
    watch: folders kept indexed. open_metrics: /metrics without a key. hide_paths: hits do not say where a file lies.
    reranker: folder of a cross-encoder that gives a second opinion.
    fetch_urls: pictures may be named by http addresses; public ones only. threads: that search and encode.
    jobs: processes that read what is indexed, None for the usual number. nice: how much they give way to other work, 0 to 19.
    """

    indexes: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    keys: Keys = field(default_factory=Keys)
    allow_write: bool = False
    allowed_folders: tuple[Path, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    prefix: str = ""
    state: Path | None = None
    watch: tuple[Path, ...] = ()
    open_metrics: bool = False
    hide_paths: bool = False
    fetch_urls: bool = False
    password: str | None = field(default=None, repr=False)  # tried on encrypted files
    reranker: Path | None = None
    nice: int = 10
    jobs: int | None = None
    threads: int = field(default_factory=lambda: max(2, min(8, os.cpu_count() or 2)))
    drawing_processes: int = field(default_factory=lambda: max(1, min(4, (os.cpu_count() or 2) // 2)))
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.indexes:
            raise ConfigError("a server needs at least one index")
        for name in self.indexes:
            if not _NAME.fullmatch(name):
                raise ConfigError(f"an index is named by letters, digits, dots and dashes, not {name!r}")
        if self.prefix and not re.fullmatch(r"(/[\w.~-]+)+", self.prefix):
            raise ConfigError(f"a prefix is a path such as /search, without a slash at its end, not {self.prefix!r}")
        for folder in self.allowed_folders:
            if not folder.is_absolute():
                raise ConfigError(f"an allowed folder is an absolute path, not {str(folder)!r}")

    @property
    def default_index(self) -> str:
        return next(iter(self.indexes))

    @property
    def state_folder(self) -> Path:
        """``state``, or one in the user's folder that belongs to these indexes."""
        import hashlib

        from platformdirs import user_state_path

        if self.state is not None:
            return self.state
        places = "\n".join(sorted(self.indexes.values()))
        return user_state_path("pagesight") / "server" / hashlib.sha256(places.encode()).hexdigest()[:16]


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_address(settings: ServerSettings, *, without_key: bool = False) -> None:
    """Raise ConfigError for an address that others reach, if nobody needs a key. without_key: that is what is wanted."""
    if not (is_loopback(settings.host) or settings.keys or without_key):
        raise ConfigError(
            f"others reach {settings.host}, and whoever reaches this server may read everything in its indexes; "
            "give it a key, or say that it needs none"
        )


def read_key(value: str | None, file: str | os.PathLike[str] | None, what: str) -> str | None:
    """A key from a setting or a file, one line. Raises ConfigError for an empty one: it would leave the server open."""
    if value is not None and file is not None:
        raise ConfigError(f"the {what} key is given twice, by itself and by a file")
    if file is not None:
        try:
            value = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ConfigError(f"the {what} key cannot be read from {file}: {reason}") from error
    if value is not None and not value.strip():
        raise ConfigError(f"the {what} key is empty")
    return value
