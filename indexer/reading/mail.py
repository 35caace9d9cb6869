"""A mail as pages: its head, what it says, and the names of what is attached.

Mails are written by programs that have their own ideas of the rules. So headers are taken as they come (``compat32``), and
what Python's parser of one makes of it only where it makes something.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from email import policy
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.encodings import codec_of, markup_text, revealed, text_of, utf8_markup
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.other_document import MAX_BYTES, OtherDocument

HEAD = ("From", "To", "Cc", "Date", "Subject")
MAX_DEPTH = 20  # of parts in parts; a mail that was forwarded takes two or three
_WORD_SAYS = re.compile(r"=\?([\w.:-]+)(?=[?*])")  # the encoding of an encoded word (RFC 2047)
_UNSEEN = re.compile(r"<[^<>]*>|&nbsp;|\s+")


class MailDocument(OtherDocument):
    """An open .eml file, with the same methods as PdfDocument."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        with as_document_error("damaged mail"):
            with open(path, "rb") as file:
                data = file.read(MAX_BYTES).removeprefix(codecs.BOM_UTF8).lstrip()
            message = BytesParser(policy=_AsWritten()).parsebytes(data)
            self._open_bytes(utf8_markup(as_html(message)), found, options)
            self.info = replace(self.info, title=_shown(message, "Subject"), author=_shown(message, "From"))
            sent = getattr(_header("Date", message["Date"]), "datetime", None)
            if sent is not None:
                self.info = replace(self.info, date=sent.date().isoformat())


class _AsWritten(policy.Compat32):
    """Headers are text, in whatever encoding; Python hides their bytes."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - as its base
        return revealed(value)


@dataclass(frozen=True, slots=True)
class _Said:
    """text: HTML. attached: names of what is not in it."""

    text: str = ""
    attached: list[str] = field(default_factory=list)


def as_html(message: Message) -> str:
    """The mail as one HTML page; of a mail in two forms the plain one, which has no pictures and styles of others."""
    return f"<html><body>{_whole(message, 0)}</body></html>"


def _whole(message: Message, depth: int) -> str:
    """A mail, or one within another, with its head."""
    lines = [f"<p><b>{name}:</b> {html.escape(_shown(message, name))}</p>" for name in HEAD if message[name]]
    said = _said(message, depth, is_body=True)
    if said.attached:
        lines.append(f"<p><b>Attached:</b> {html.escape(', '.join(said.attached))}</p>")
    return f"{''.join(lines)}<hr/>{said.text}"


def _said(part: Message, depth: int, *, is_body: bool = False) -> _Said:
    """What a part of a mail says. is_body: it is all there is, even if it is called an attachment."""
    kind = part.get_content_type()
    if part.is_multipart() and depth < MAX_DEPTH:
        if kind == "message/rfc822":
            return _Said("".join(f"<hr/>{_whole(inner, depth + 1)}" for inner in _within(part)))
        return _parts(part, depth)
    is_shown = is_body or part.get_content_disposition() != "attachment"
    if is_shown and part.get_content_maintype() in ("text", "multipart"):
        return _Said(_text(part))
    return _Said(attached=[_one_line(_header("Subject", part.get_filename() or kind))])


def _parts(part: Message, depth: int) -> _Said:
    """What its parts say one after the other, or the first that says anything where each is to say the same."""
    inner = _within(part)
    said = [_said(one, depth + 1) for one in inner]
    attached = [name for one in said for name in one.attached]
    texts = [one.text for one in said]
    if part.get_content_type() == "multipart/alternative":
        ranked = [texts[i] for i in sorted(range(len(inner)), key=lambda i: _rank(inner[i]))]
        texts = [text for text in ranked if _UNSEEN.sub("", text)][:1]
    return _Said("".join(texts), attached)


def _rank(part: Message) -> int:
    """Plain text, then HTML, alone or with its pictures, then others, such as what a calendar is to read."""
    kind, is_html = part.get_content_type(), part.get_content_maintype() == "multipart"
    return 0 if kind == "text/plain" else 1 if is_html or kind == "text/html" else 2


def _within(part: Message) -> Sequence[Message]:
    inner: Any = part.get_payload()
    return inner if isinstance(inner, list) else []


def _text(part: Message) -> str:
    """The text of a part without parts, as HTML."""
    data: Any = part.get_payload(decode=True) or b""
    label = part.get_content_charset("")
    if part.get_content_type() == "text/html":
        return markup_text(data, label)
    text = text_of(data, label).replace("\x00", "").replace("\r\n", "\n")
    return "".join(f"<p>{html.escape(block).replace(chr(10), '<br/>')}</p>" for block in text.split("\n\n"))


def _shown(message: Message, name: str) -> str:
    return _one_line(_header(name, message[name]))


def _header(name: str, value: str | None) -> str:
    """A header with its encoded words decoded, as it was written if Python cannot read it."""
    unfolded = "".join((value or "").splitlines())
    unfolded = _WORD_SAYS.sub(lambda found: f"=?{codec_of(found[1]) or 'cp1252'}", unfolded)
    for kind in (name, "Subject"):  # of which any text is one
        try:
            header: str = policy.default.header_factory(kind, unfolded)
            return header
        except Exception:  # noqa: S112 - anything is raised for addresses
            continue
    return unfolded


def _one_line(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
