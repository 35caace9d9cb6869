"""A mail as pages: its head, what it says, and the names of what is attached."""

from __future__ import annotations

import html
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.other_document import MAX_BYTES, OtherDocument

HEAD = ("From", "To", "Cc", "Date", "Subject")


class MailDocument(OtherDocument):
    """An open .eml file, with the same methods as PdfDocument."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        with as_document_error("damaged mail"):
            with open(path, "rb") as file:
                message = BytesParser(policy=policy.default).parsebytes(file.read(MAX_BYTES))
            page = as_html(message)
            self._open_bytes(page.encode("utf-8", "replace"), found, options)
            self.info = replace(self.info, title=_one_line(message["Subject"]), author=_one_line(message["From"]))
            sent = getattr(message["Date"], "datetime", None)
            if sent is not None:
                self.info = replace(self.info, date=sent.date().isoformat())


def as_html(message: EmailMessage) -> str:
    """The mail as one HTML page; of a mail in two forms the plain one, which has no pictures and styles of others."""
    lines = [f"<p><b>{name}:</b> {html.escape(_one_line(message[name]))}</p>" for name in HEAD if message[name]]
    attached = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    if attached:
        lines.append(f"<p><b>Attached:</b> {html.escape(', '.join(map(_one_line, attached)))}</p>")
    body = message.get_body(("plain", "html"))
    content = str(body.get_content()) if body is not None else ""
    if body is not None and body.get_content_subtype() == "plain":
        paragraphs = content.replace("\r\n", "\n").split("\n\n")
        content = "".join(f"<p>{html.escape(text).replace(chr(10), '<br/>')}</p>" for text in paragraphs)
    return f'<html><head><meta charset="utf-8"/></head><body>{"".join(lines)}<hr/>{content}</body></html>'


def _one_line(text: object) -> str:
    shown = " ".join(str(text or "").split())
    return "".join(c for c in shown if c.isprintable())
