"""How bytes become text: by the mark at their start, by what they are said to be, as UTF-8, or else as Windows-1252.

The order is that of browsers (encoding.spec.whatwg.org), for text files, HTML and mail alike. Nothing is refused: a name of
an encoding that nobody knows is none.
"""

from __future__ import annotations

import codecs
import re

PRESCAN_BYTES = 4096  # of markup in which its encoding is said; the standard asks for 1,024, browsers go on to the body
LONGEST_LABEL = 40  # of the name of an encoding
_MARKS = (  # the longer ones first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Files say the older name and use the letters of the wider encoding that Windows made of it.
_WIDER = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_STRAY = re.compile("[\udc80-\udcff]+")  # bytes that are no UTF-8, by surrogateescape
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META_SAYS = re.compile(rb"<meta\b[^<>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_SAYS = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\b[^<>]*?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_SAID = re.compile(r"\A\s*<\?xml\b[^<>]*>|<meta\b[^<>]*charset[^<>]*>?", re.IGNORECASE)


def text_of(data: bytes, label: str = "") -> str:
    """Bytes as text. label: the encoding that they are said to be in, or ""."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            data = data.removeprefix(mark)
            return utf8_or_windows(data) if codec == "utf-8" else data.decode(codec, "replace")
    codec = codec_of(label)
    if codec in ("", "ascii", "utf-8"):
        return utf8_or_windows(data)
    if codec == "cp1252":
        return _windows(data)
    try:
        return data.decode(codec, "replace")
    except (LookupError, ValueError):  # Python's codecs of other things, such as base64
        return utf8_or_windows(data)


def markup_text(data: bytes, label: str = "") -> str:
    """HTML or XML as text that does not say its encoding any more. label: as above, from elsewhere than the markup."""
    if not label:
        head = _COMMENT.sub(b"", data[:PRESCAN_BYTES])
        found = _META_SAYS.search(head) or _XML_SAYS.match(head)
        label = found[1].decode("ascii") if found else ""
        if label.lower().startswith(("utf-16", "utf-32")):  # what can be read byte by byte is neither
            label = ""
    return _SAID.sub("", text_of(data, label)).replace("\x00", "")


def utf8_markup(text: str) -> bytes:
    """For MuPDF, which ends at a NUL, and believes a <meta> that knows another encoding before a mark: ``markup_text``."""
    return codecs.BOM_UTF8 + text.encode("utf-8", "replace")


def codec_of(label: str) -> str:
    """The encoding that a name stands for, as Python calls it, or ""."""
    label = label.strip().lower()[:LONGEST_LABEL]
    # Names that Python lacks: x-sjis, windows-874, iso-8859-8-i.
    for name in (label, re.sub(r"-[ei]$", "", label.removeprefix("x-")).replace("windows-", "cp")):
        try:
            found = codecs.lookup(name).name
        except (LookupError, ValueError):
            continue
        return _WIDER.get(found, found)
    return ""


def utf8_or_windows(data: bytes) -> str:
    """Where only some of it is UTF-8, whichever makes more letters.

    A log that was cut within a letter, or that two programs wrote, keeps its UTF-8; other bytes are Windows-1252 there.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
    valid = text.encode("utf-8", "ignore").decode("utf-8")
    n_stray, n_letters = len(text) - len(valid), len(valid) - len(valid.encode("ascii", "ignore"))
    if n_letters < n_stray:
        return _windows(data)
    return revealed(text)


def revealed(text: str) -> str:
    """Text with the bytes that surrogateescape hid in it as text, too."""
    return _STRAY.sub(lambda found: utf8_or_windows(found[0].encode("utf-8", "surrogateescape")), text)


def _windows(data: bytes) -> str:
    """The five bytes that Windows-1252 leaves free are control characters in Latin-1, which nobody sees."""
    return data.decode("cp1252", "ignore")
