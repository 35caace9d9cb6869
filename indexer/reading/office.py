"""Files that another program turns into PDF: Office files by LibreOffice, DjVu by DjVuLibre.

The program runs without a window, without macros, with a fresh profile and, where Linux lets it, without a network, and is
ended with the reading process, whose limits of time and memory hold for it too. Its PDF lives as long as the open document.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import zipfile
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import HEAD_BYTES, FileType, file_type
from pagesight.indexer.reading.faults import one_line
from pagesight.indexer.reading.other_document import MAX_BYTES, OtherDocument
from pagesight.indexer.reading.pdf import PdfDocument
from pagesight.storage.errors import EncryptedDocument, UnreadableDocument

MAX_MANIFEST_BYTES = 10_000_000
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_STREAMS = ("WordDocument", "Workbook", "PowerPoint Document")  # of files that may only hold an encrypted one
_HTML = re.compile(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<(.*?<)?(!doctype )?html\b", re.IGNORECASE | re.DOTALL)
_SETTING = (
    '<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="{}" oor:op="fuse">'
    "<value>{}</value></prop></item>"
)
_SETTINGS = (("MacroSecurityLevel", "3"), ("DisableMacrosExecution", "true"), ("BlockUntrustedRefererLinks", "true"))
_PROFILE = (
    '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + "".join(_SETTING.format(*setting) for setting in _SETTINGS)
    + "</oor:items>"
)


class ConvertedDocument(PdfDocument, ABC):
    """An open file that was turned into PDF, with the same methods as PdfDocument."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        """Raises UnreadableDocument, and leaves nothing behind then."""
        program = shutil.which(found.program)
        if program is None:
            raise UnreadableDocument(
                f"a {found.extensions[0]} file is read with {found.program}, which is not installed"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="pagesight-", ignore_cleanup_errors=True)
        try:
            super().__init__(self._convert(program, path, found, Path(self._folder.name)), found, options)
        except BaseException:
            self._folder.cleanup()
            raise

    @abstractmethod
    def _convert(self, program: str, path: Path, found: FileType, folder: Path) -> Path:
        """Write a PDF into ``folder``; returns where. Raises UnreadableDocument."""

    def close(self) -> None:
        super().close()
        self._folder.cleanup()


class OfficeDocument(ConvertedDocument):
    """By LibreOffice."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        """Raises EncryptedDocument, too: LibreOffice would ask for the password in a window."""
        if _is_encrypted(path):
            raise EncryptedDocument("encrypted Office file: it can be read once it is saved without its password")
        super().__init__(path, found, options)

    def _convert(self, program: str, path: Path, found: FileType, folder: Path) -> Path:
        profile = folder / "profile"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, encoding="utf-8")
        given = folder / f"document{found.extensions[0]}"  # a name that every system can spell
        shutil.copyfile(path, given)
        options = ["--headless", "--norestore", "--nologo", "--nolockcheck", "--nodefault"]
        command = [program, f"-env:UserInstallation={profile.as_uri()}", *options]
        return _made(
            [*_without_network(), *command, "--convert-to", "pdf", "--outdir", str(folder), str(given)],
            folder / "document.pdf",
        )


def open_office(path: Path, found: FileType, options: ReadOptions) -> PdfDocument:
    """A file with an ending of Office. HTML, which many programs write under one, is HTML: LibreOffice may draw nothing of it."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    html = file_type(head, ".html")
    if html is not None and _HTML.match(head.replace(b"\x00", b"")):
        return OtherDocument(path, html, options)
    return OfficeDocument(path, found, options)


class DjvuDocument(ConvertedDocument):
    """By DjVuLibre: pictures of the pages."""

    def _convert(self, program: str, path: Path, found: FileType, folder: Path) -> Path:  # noqa: ARG002 - as the others
        target = folder / "document.pdf"
        return _made([program, "-format=pdf", "-quality=85", str(path), str(target)], target)


def _is_encrypted(path: Path) -> bool:
    """Whether it is a whole document within a compound file (MS-OFFCRYPTO 2.3.4), or a package that says so (ODF 1.2, part 3)."""
    with open(path, "rb") as file:
        if file.read(len(_COMPOUND)) == _COMPOUND:
            data = file.read(MAX_BYTES)
            return _stream("EncryptedPackage") in data and not any(_stream(name) in data for name in _OLD_STREAMS)
    try:
        with zipfile.ZipFile(path) as package, package.open("META-INF/manifest.xml") as manifest:
            return b"encryption-data" in manifest.read(MAX_MANIFEST_BYTES)
    except Exception:  # no package, no manifest in it, or damaged, which LibreOffice may mend
        return False


def _stream(name: str) -> bytes:
    """The name of a stream as a compound file has it."""
    return name.encode("utf-16-le")


def _made(command: list[str], target: Path) -> Path:
    """Run a program that makes a file. Raises UnreadableDocument with what it says if it does not."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=target.parent)
    if not target.is_file() or target.stat().st_size == 0:
        said = one_line(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
        raise UnreadableDocument(f"cannot be turned into PDF (exit code {done.returncode}){': ' if said else ''}{said}")
    return target


@cache
def _without_network() -> tuple[str, ...]:
    """A prefix of a command that takes the network from it: a document may name pictures anywhere. Empty where it cannot."""
    prefix = ("unshare", "--map-root-user", "--net", "--")
    if shutil.which("unshare") is None:
        return ()
    tried = subprocess.run([*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()
