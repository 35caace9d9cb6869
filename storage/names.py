"""File names as text: what is shown, typed and compared."""

from __future__ import annotations

import os
import unicodedata


def nfc(text: str) -> str:
    """Unicode's composed form: a name looks the same however a file system spells its accents."""
    return unicodedata.normalize("NFC", text)


def typed(name: str) -> str:
    """A name as somebody typed it, as it is stored: composed, odd bytes as ``\\xNN``."""
    try:
        return nfc(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    except UnicodeEncodeError:  # half a character that stands for no byte
        return nfc(name.encode("utf-8", "backslashreplace").decode("utf-8"))


def printable(name: str) -> str:
    """A file name as text that can be stored and shown on one line: odd bytes and control characters as ``\\xNN``."""
    text = nfc(os.fsencode(name).decode("utf-8", "backslashreplace"))
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
