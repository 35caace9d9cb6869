"""Every error a user can meet, in one tree (a leaf module, so that nobody imports in circles).

    SearchEngineError
    ├── ConfigError            a setting that cannot be (also ValueError)
    │   └── TrainingExists         the folder of the result has a training run already
    ├── DatasetError           a dataset for evaluation or training that is not laid out as it should be (also ValueError)
    │   └── BadTrainingData        examples that nothing can be learnt from, by file and line
    ├── DocumentError          this file cannot be read; the others can
    │   ├── UnreadableDocument     damaged, empty, wrongly named, forbidden
    │   ├── EncryptedDocument      needs a password, or another one
    │   ├── LeaseLost              another worker has it by now
    │   └── ReaderCrashed          the reading process died
    │       └── ReaderStalled          it gave no answer for too long
    ├── ModelError             the encoder cannot work
    │   ├── UnknownModel
    │   ├── WeightsMissing         a package or file of weights is not there
    │   ├── WeightsDamaged         it is there, with other bytes than we know
    │   ├── BadCheckpoint          it is there, cut short, of another model, or without some tensors
    │   │   └── BadReranker        what was to give a second opinion
    │   ├── HubRefused             the model hub cannot be reached, or does not give the files
    │   ├── BadInput               a text or picture that cannot be encoded (ValueError)
    │   ├── DeviceMemory           the model, or one page, does not fit into memory
    │   └── ExtraMissing           an optional dependency is not installed
    ├── StorageError           the index cannot be used as asked
    │   ├── StoreNotFound (LookupError), StoreLocked, StoreClosed, StoreCorrupt, DiskFull
    │   ├── StoreUnreachable, StoreRefused   of an index in a database
    │   ├── NoSegments (of StoreNotFound), DatabaseCorrupt, KeptCorrupt (of StoreCorrupt), PageTooLarge
    │   ├── FormatVersionMismatch, DimensionMismatch (ValueError)
    │   └── IndexMismatch          it was made another way than it is opened
    │       ├── ModelMismatch          with another model, or other settings of it
    │       └── CodecMismatch          with another codec or pool factor
    ├── ServerError            a server cannot be asked
    │   ├── ServerUnreachable, ServerRefused
    │   └── ShardUnavailable, ShardMismatch
    ├── BucketUnreachable      object storage cannot be listed or read
    └── QueryError             the question cannot be answered as asked (ValueError)
        ├── EmptyQuery, BadFilter
        └── UnknownHit (LookupError)

A message says what, which values, and what to do, in words that hold for every program; values are attributes where a program
can act on them. The command line prints it after ``error:`` without a traceback, and adds what to type (engine.cli.hints).
Anything outside this tree is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = [
    "BadCheckpoint",
    "BadFilter",
    "BadInput",
    "BadReranker",
    "BadTrainingData",
    "BucketUnreachable",
    "CodecMismatch",
    "ConfigError",
    "DatabaseCorrupt",
    "DatasetError",
    "DeviceMemory",
    "DimensionMismatch",
    "DiskFull",
    "DocumentError",
    "EmptyQuery",
    "EncryptedDocument",
    "ExtraMissing",
    "FormatVersionMismatch",
    "HubRefused",
    "IndexMismatch",
    "KeptCorrupt",
    "LeaseLost",
    "ModelError",
    "ModelMismatch",
    "NoSegments",
    "PageTooLarge",
    "QueryError",
    "ReaderCrashed",
    "ReaderStalled",
    "SearchEngineError",
    "ServerError",
    "ServerRefused",
    "ServerUnreachable",
    "ShardMismatch",
    "ShardUnavailable",
    "StorageError",
    "StoreClosed",
    "StoreCorrupt",
    "StoreLocked",
    "StoreNotFound",
    "StoreRefused",
    "StoreUnreachable",
    "TrainingExists",
    "UnknownHit",
    "UnknownModel",
    "UnreadableDocument",
    "WeightsDamaged",
    "WeightsMissing",
]


class SearchEngineError(Exception):
    """Root of all errors that are not bugs."""


class ConfigError(SearchEngineError, ValueError):
    """A setting has a value it cannot have."""


class TrainingExists(ConfigError):
    """A training run was begun in the folder of the result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} has a training run already; resume it, or name another folder for the result")


class DatasetError(SearchEngineError, ValueError):
    """A dataset, run or judgment file for evaluation or training is not of its form."""


class BadTrainingData(DatasetError):
    """Examples that nothing can be learnt from. problems: one sentence each, by file and line; the message shows the first ones."""

    SHOWN = 20

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        shown = problems if len(problems) <= self.SHOWN + 1 else [*problems[: self.SHOWN], "and others"]
        super().__init__(shown[0] if len(shown) == 1 else "\n  ".join(["the training data has faults:", *shown]))


class DocumentError(SearchEngineError):
    """One file cannot be read. Indexing records it and goes on."""


class UnreadableDocument(DocumentError):
    """The file is damaged, empty, of an unknown kind, or may not be opened."""


class EncryptedDocument(DocumentError):
    """The file needs a password."""


class LeaseLost(DocumentError):
    """A worker was not heard of for so long that another one has its file now."""

    def __init__(self) -> None:
        super().__init__("another worker has taken it over; what this one did of it is not kept")


class ReaderCrashed(DocumentError):
    """The process that read the file died."""


class ReaderStalled(ReaderCrashed):
    """The process that read the file gave no answer for too long."""


class ModelError(SearchEngineError):
    """The encoder cannot be loaded or used."""


class UnknownModel(ModelError, LookupError):
    """No model of this name is registered."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"there is no model {name!r}; known models are {', '.join(known)}, or the path of a folder")


class WeightsMissing(ModelError):
    """The weights of a model are not on this machine."""


class WeightsDamaged(ModelError):
    """A file of weights does not have the bytes that were checked when this version was made."""

    def __init__(self, path: Path, expected_sha256: str, actual_sha256: str, remedy: str) -> None:
        self.path, self.expected_sha256, self.actual_sha256 = path, expected_sha256, actual_sha256
        super().__init__(f"{path} has sha256 {actual_sha256[:16]}…, not {expected_sha256[:16]}…; {remedy}")


class BadCheckpoint(ModelError):
    """The files of a checkpoint are there, and are not what the model needs.

    problems: one sentence each; the message shows the first ones.
    """

    SHOWN = 6

    def __init__(self, folder: Path, problems: list[str]) -> None:
        self.folder, self.problems = folder, problems
        more = len(problems) - self.SHOWN
        shown = "; ".join(problems[: self.SHOWN]) + (f"; and {more} more" if more > 0 else "")
        super().__init__(f"{folder} is not a usable checkpoint: {shown}")


class BadReranker(BadCheckpoint):
    """A folder that was to give a second opinion is no cross-encoder over pairs of texts, or damaged."""


class HubRefused(ModelError):
    """The model hub cannot be reached, or does not give the files that were asked for."""


class BadInput(ModelError, ValueError):
    """A text or picture cannot be encoded: empty, unreadable, too thin."""


class DeviceMemory(ModelError):
    """The model, or one page alone, needs more memory than the device has."""


class ExtraMissing(ModelError):
    """An optional dependency is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} is not installed; run: pip install 'pagesight[{extra}]'")


class StorageError(SearchEngineError):
    """The index cannot be used as asked."""


class StoreNotFound(StorageError, LookupError):
    """There is no index in this folder."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        super().__init__(f"there is no index in {path}; index something into it first, or name another")


class NoSegments(StoreNotFound):
    """There are no segments in this folder."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.args = (f"there are no segments in {path}; export an index into it first, or name another folder",)


class StoreLocked(StorageError):
    """Another process is writing to the index."""

    def __init__(self, path: Path, holder: str) -> None:
        self.path, self.holder = path, holder
        super().__init__(f"the index {path} is being written by {holder}; wait for it to end, or stop it")


class StoreClosed(StorageError):
    """The index was closed by this program."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(f"the index {address} was closed; open it again")


class StoreCorrupt(StorageError):
    """Stored bytes are not what was written. Examining the index says what else is damaged, and can drop it."""


class DatabaseCorrupt(StoreCorrupt):
    """So is what all the rest is found by: nothing here can repair it."""


class KeptCorrupt(StoreCorrupt):
    """So is what is kept here of an index that lies elsewhere: nothing is lost, and it is made again by the next who opens it."""

    def __init__(self, folder: Path, what: str) -> None:
        """what: "is damaged", or more of it."""
        self.folder = folder
        super().__init__(f"what searches keep in {folder} {what}; nothing is lost: ask again, and it is made again")


class StoreUnreachable(StorageError):
    """The database that holds the index does not answer, or no longer."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(
            f"the database {address} cannot be reached: {reason}; what was finished before is safe, try again when it is there"
        )


class StoreRefused(StorageError):
    """The database that should hold the index answers that it does not let us."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"the database {address} refuses: {reason}")


class DiskFull(StorageError):
    """The disk, a quota or a file size limit stopped a write. What was committed before is safe."""

    def __init__(self, path: Path | str, cause: str) -> None:
        self.path = path
        super().__init__(
            f"cannot write to {path}: {cause}; what was finished before is safe, make room and do the same again"
        )


class FormatVersionMismatch(StorageError):
    """The index was written in another format than this version reads."""

    def __init__(self, path: Path | str, found: int, readable: int) -> None:
        self.path, self.found, self.readable = path, found, readable
        remedy = "upgrade pagesight" if found > readable else "make it again from the documents"
        super().__init__(f"the index {path} has format version {found}, this pagesight reads {readable}; {remedy}")


class IndexMismatch(StorageError):
    """The index was made another way than it is opened."""


class ModelMismatch(IndexMismatch):
    """The index holds vectors of another model."""

    def __init__(self, stored: str, given: str) -> None:
        self.stored, self.given = stored, given
        super().__init__(
            f"the index was built with {stored}, not with {given}; their vectors cannot be compared: "
            "open it with its own model, or index into another place"
        )


class CodecMismatch(IndexMismatch):
    """The index keeps its token vectors in another way."""

    def __init__(self, what: str, stored: str | int, given: str | int) -> None:
        self.what, self.stored, self.given = what, stored, given
        super().__init__(
            f"the index was built with {what} {stored}, not {given}; leave {what} out, or index into another place"
        )


class DimensionMismatch(StorageError, ValueError):
    """Vectors have another width than the index."""

    def __init__(self, what: str, expected: int, given: int) -> None:
        self.what, self.expected, self.given = what, expected, given
        super().__init__(f"{what} must have {expected} dimensions, got {given}")


class PageTooLarge(StorageError):
    """A page has more than the store can hold of one."""


class BucketUnreachable(SearchEngineError):
    """Object storage does not answer, or does not let us."""

    def __init__(self, address: str, reason: str, remedy: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"{address} cannot be read: {reason}; {remedy}")


class ServerError(SearchEngineError):
    """A server that holds the index cannot be asked."""


class ServerUnreachable(ServerError):
    """There is no answer."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"the server {address} cannot be reached: {reason}")


class ServerRefused(ServerError):
    """The server answers that it does not. status: of HTTP."""

    def __init__(self, address: str, status: int, reason: str) -> None:
        self.address, self.status, self.reason = address, status, reason
        super().__init__(f"the server {address} refuses ({status}): {reason}")


class ShardUnavailable(ServerError):
    """Parts of the index do not answer, and an answer without them was not asked for. reasons: by part."""

    def __init__(self, reasons: dict[str, str]) -> None:
        self.reasons = reasons
        said = "; ".join(f"{shard}: {reason}" for shard, reason in reasons.items())
        super().__init__(f"a part of the index does not answer ({said}); start it again, or ask for partial answers")


class ShardMismatch(ServerError):
    """Servers that were named as parts of one index are not."""


class QueryError(SearchEngineError, ValueError):
    """The question cannot be answered as asked."""


class EmptyQuery(QueryError):
    """The question has no word to search for."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"the query {text!r} has no words; ask for something")


class BadFilter(QueryError):
    """A filter expression cannot be understood."""

    def __init__(self, expression: str, position: int, problem: str) -> None:
        self.expression, self.position, self.problem = expression, position, problem
        super().__init__(f"filter {expression!r}: {problem} at character {position + 1}")


class UnknownHit(QueryError, LookupError):
    """No indexed page has this name."""


def code_of(kind: type[Exception]) -> str:
    """The name of an error between programs: bad_filter for BadFilter."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
