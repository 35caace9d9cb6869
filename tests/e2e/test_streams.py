"""Standard output and error as they can be: closed, full, of another encoding, with names in them that are no text."""

import json
import os
import subprocess
import sys
import threading
import unicodedata

import pytest

from tests.helpers import make_pdf

pytestmark = pytest.mark.thorough

PAGESIGHT = [sys.executable, "-m", "pagesight"]
NFC, NFD = unicodedata.normalize("NFC", "größe.pdf"), unicodedata.normalize("NFD", "größe nfd.pdf")
NAMES = {  # as bytes on the disk -> as shown
    b"plain.pdf": "plain.pdf",
    b"latin \xe9.pdf": "latin \\xe9.pdf",
    b"new\nline.pdf": "new\\nline.pdf",
    NFC.encode(): NFC,
    NFD.encode(): unicodedata.normalize("NFC", NFD),
    "文件".encode() * 41 + b"12345.pdf": "文件" * 41 + "12345.pdf",  # 255 bytes
    b"esc\x1b[31m.pdf": "esc\\x1b[31m.pdf",
}
LOCALES = {
    "UTF-8": {"PYTHONUTF8": "1"},
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "C, UTF-8 output": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "utf-8:strict",
    },
}
ENCODINGS = {"UTF-8": "utf-8", "ascii": "ascii", "latin-1": "latin-1", "C": "ascii", "C, UTF-8 output": "utf-8"}


def pagesight(index, *arguments, locale="UTF-8", **more):
    """Bytes in, bytes out."""
    words = [os.fsencode(str(word)) if not isinstance(word, bytes) else word for word in arguments]
    environment = {**os.environ, **LOCALES[locale]}
    return subprocess.run(
        [*PAGESIGHT, "--index", os.fsencode(index), *words],
        env=environment,
        timeout=300,
        check=False,
        **{"capture_output": True, **more},
    )


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams") / "docs \udcff"
    for number, name in enumerate(NAMES):
        make_pdf(folder.parent / "x.pdf", [f"quinces and pears, document number {number}"])
        folder.mkdir(exist_ok=True)
        os.rename(folder.parent / "x.pdf", os.path.join(os.fsencode(folder), name))
    os.symlink("nowhere", os.fsencode(folder) + b"/broken \xe9.pdf")
    return folder


@pytest.fixture(scope="module")
def index(docs):
    folder = docs.parent / "index \udcfe"
    result = pagesight(folder, "index", docs, "--model", "hashing", "--ocr", "off")
    assert result.returncode == 1, result.stderr  # the broken link
    return folder


def shown(text, encoding):
    return text.encode(encoding, "backslashreplace").decode(encoding)


COMMANDS = {
    "index": ["index", "--reindex"],
    "search": ["search", "quinces pears größe 文件"],
    "list": ["list"],
    "failures": ["failures"],
    "info": ["info"],
    "dry run": ["index", "--reindex", "--dry-run"],
}


# Each costs a process: what says most comes by default.
FORMS = [("C", False), ("C", True), ("latin-1", False), ("C, UTF-8 output", True)]
BY_DEFAULT = {("C", True, "index"), ("C", True, "search"), ("C", True, "failures"), ("latin-1", False, "list")}
RUNS = [
    pytest.param(*form, name, marks=() if (*form, name) in BY_DEFAULT else pytest.mark.slow)
    for form in FORMS
    for name in COMMANDS
    if form[0] == "C" or "index" not in COMMANDS[name]
]
LOCALES_TYPED = [pytest.param("UTF-8", marks=pytest.mark.slow), "C"]


@pytest.mark.parametrize(("locale", "as_json", "command"), RUNS)
def test_no_name_breaks_an_output(docs, index, locale, command, as_json):
    words = [*COMMANDS[command], *([docs] if "index" in COMMANDS[command] else []), *(["--json"] if as_json else [])]
    result = pagesight(index, *words, locale=locale)
    encoding = ENCODINGS[locale]
    out, problems = result.stdout.decode(encoding), result.stderr.decode(encoding)
    assert "Traceback" not in problems
    assert result.returncode in (0, 1), problems
    assert not any("\ud800" <= c <= "\udfff" or c == "\x1b" for c in out + problems)
    if not as_json:
        if command == "list":
            assert all(shown(name, encoding)[:40] in out for name in NAMES.values())
        return
    found = [json.loads(line) for line in out.splitlines()]
    assert encoding == "utf-8" or out.isascii()
    named = {line["document"] for line in found if "document" in line}
    if command in ("index", "search", "list"):
        assert named >= set(NAMES.values())
        paths = {path for line in found for path in (line.get("locations") or [line.get("path")])}
        assert {path.rpartition("/")[2] for path in paths} >= set(NAMES.values())
        assert all("/docs \\xff/" in path for path in paths)
    if command == "failures":
        assert named == {"broken \\xe9.pdf"}
    if command == "info":
        assert found[0]["folder"].endswith("index \\xfe")


@pytest.mark.parametrize("locale", LOCALES_TYPED)
def test_pictures_get_names_that_a_file_system_takes(index, tmp_path, locale):
    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"id": "質問" * 60, "query": "quinces"}), encoding="utf-8")
    result = pagesight(index, "search", "--queries", queries, "--save-images", tmp_path / "é", locale=locale)
    assert result.returncode == 0, result.stderr
    saved = [name.decode() for name in os.listdir(os.fsencode(tmp_path / "é"))]
    assert len(saved) == len(NAMES)
    assert max(len(name.encode()) for name in saved) <= 255
    assert any("文件" in name for name in saved)
    assert not [name for name in saved if "\ufffd" in name]


@pytest.mark.parametrize("locale", LOCALES_TYPED)
def test_what_is_typed_finds_what_is_shown(index, tmp_path, locale):
    for name in (unicodedata.normalize("NFC", NFD), "latin \\xe9.pdf", "new\nline.pdf"):
        result = pagesight(index, "show", f"{name}:1".encode(), "-o", tmp_path / "x.png", locale=locale)
        assert result.returncode == 0, result.stderr
    result = pagesight(index, "search", "quinces", "--json", "--filter", f'document = "{NFC}"'.encode(), locale=locale)
    (hit,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert hit["document"] == NFC
    gone = pagesight(index, "show", b"none \xe9.pdf:1", locale=locale)
    assert gone.returncode == 2
    assert b"none \\xe9.pdf:1" in gone.stderr
    bad = pagesight(index, "list", "--nonsense", "é\ud800".encode("utf-8", "surrogatepass"), locale=locale)
    assert bad.returncode == 2
    assert b"Traceback" not in bad.stderr


# Outputs that fail


def test_a_reader_that_has_seen_enough_is_no_error(index):
    read_end, write_end = os.pipe()
    os.close(read_end)
    for words in (["list", "--json"], ["search", "quinces"], ["--help"]):
        result = pagesight(index, *words, stdout=write_end, stderr=subprocess.PIPE, capture_output=False)
        assert (result.returncode, result.stderr) == (0, b""), words
    os.close(write_end)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_output_is_said_in_one_line(docs, index):
    words = (["list"], ["search", "quinces", "--json"], ["--help"], ["index", docs])
    for command in words:
        with open("/dev/full", "wb") as full:
            result = pagesight(index, *command, stdout=full, stderr=subprocess.PIPE, capture_output=False)
        last = result.stderr.splitlines()[-1]
        assert last == b"error: cannot write to the standard output: No space left on device", command
        assert result.returncode == 2
        assert b"Traceback" not in result.stderr
        assert command[0] == "index" or len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_or_closed_error_output_changes_nothing(docs, tmp_path):
    with open("/dev/full", "wb") as full:
        result = pagesight(
            tmp_path / "i", "index", docs, "--model", "hashing", stderr=full, stdout=-1, capture_output=False
        )
    assert result.returncode == 1
    assert b"7 files indexed" in result.stdout
    script = f"'{sys.executable}' -m pagesight --index '{tmp_path / 'i'}' list >&- 2>&-"
    assert subprocess.run(["sh", "-c", script], check=False).returncode == 0


def test_a_broken_pipe_that_is_not_ours_is_an_error(index, tmp_path):
    """A picture saved to a FIFO whose reader leaves."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def leave():
        os.close(os.open(fifo, os.O_RDONLY))

    reader = threading.Thread(target=leave)
    reader.start()
    result = pagesight(index, "show", "plain.pdf:1", "-o", fifo)
    reader.join()
    assert result.returncode == 2
    assert b"fifo" in result.stderr


BROKEN = """
import sys
from pagesight.engine.cli import main, manage
def fail(*_, **__):
    raise {error}
manage.open_engine = fail
main.main()
"""


@pytest.mark.parametrize("error", ["BrokenPipeError(32, 'of a worker')", "OSError(5, 'odd')"])
def test_a_broken_pipe_of_a_bug_keeps_its_traceback(error):
    command = [sys.executable, "-c", BROKEN.format(error=error), "list"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert error.split("'")[1] in result.stderr
