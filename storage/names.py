"""Names of files as text that can be stored, compared, typed and shown."""

from __future__ import annotations

import errno
import os
import unicodedata
from pathlib import Path

BUCKETS = ("s3",)  # schemes of object storage whose files are named as a path is: s3://bucket/key


def nfc(text: str) -> str:
    """Text as names are stored: composed (NFC), so that what is typed on one system finds what was made on another.

    Bytes that are no text in the locale's encoding, which Python hands on as lone surrogates, are read as UTF-8, or else
    become ``\\xNN``.
    """
    try:
        return unicodedata.normalize("NFC", text.encode().decode())
    except UnicodeEncodeError:
        return unicodedata.normalize("NFC", _bytes(text).decode("utf-8", "backslashreplace"))


def printable(name: str | os.PathLike[str]) -> str:
    """A file name on one line: as ``nfc``, with control characters as ``\\xNN`` too."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in nfc(os.fspath(name)))


def path_text(path: str | os.PathLike[str]) -> str:
    """A path as text that opens the file again; only one whose bytes are no text is shown as ``printable`` does."""
    text = bucket_url(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return printable(text)
    return text


def is_in_bucket(location: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a bucket or of something in it: ``s3:/bucket/key``, as Path writes ``s3://bucket/key``."""
    scheme, mark, _ = os.fspath(location).partition(":/")
    return bool(mark) and scheme in BUCKETS


def bucket_url(location: str | os.PathLike[str]) -> str:
    """Such a path as it is typed; others as they are."""
    text = os.fspath(location)
    return f"{Path(text).parts[0]}//{'/'.join(Path(text).parts[1:])}" if is_in_bucket(text) else text


def outer_file(location: str | os.PathLike[str]) -> str | None:
    """The file that holds the document at this location, where it is no file itself: ``a.pdf`` of ``a.pdf/attached.pdf``."""
    place = os.fspath(location)
    if os.path.lexists(place):
        return None
    while (above := os.path.dirname(place)) != place:
        place = above
        if os.path.lexists(place):
            return place if os.path.isfile(place) else None
    return None


def is_there(location: str | os.PathLike[str]) -> bool:
    """Whether a file, or the one that holds it, is on the disk. What is in a bucket is not looked for: that it is, is assumed."""
    return is_in_bucket(location) or is_file_there(location) or outer_file(location) is not None


def is_file_there(location: str | os.PathLike[str]) -> bool:
    """Whether something that is no folder has this name; in doubt, as where it may not be looked at, it has."""
    try:
        os.lstat(location)
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    return not os.path.isdir(location)


def _bytes(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # characters the file system's encoding lacks, or surrogates that stand for no byte
        return b"".join(
            bytes([ord(c) - 0xDC00]) if "\udc80" <= c <= "\udcff" else c.encode("utf-8", "surrogatepass") for c in text
        )
