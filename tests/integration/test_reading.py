"""Reading processes: what they raise, how long they may take, and what becomes of them when something goes wrong."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager

import psutil
import pytest
from PIL import Image

from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.frames import receive
from pagesight.indexer.reading.faults import reason_of
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.running import process as process_module
from pagesight.indexer.running.process import ReaderClosed, ReadingProcess
from pagesight.indexer.running.reader import PageProblem, PageReader
from pagesight.storage.errors import ReaderCrashed, ReaderStalled, UnreadableDocument
from tests.helpers import make_pdf, text_image
from tests.hostile import make_hostile_folder, write_png

NO_OCR = ReadOptions(ocr="off")
# A worker whose pages do what their file says: its lines are statements, one a page, run before the page is read.
ODD_WORKER = """
import pagesight.indexer.reading.worker as worker
read_page = worker.read_page
def odd(document, number, options):
    words = document.words(number).texts
    if words and words[0] == "run":
        exec(" ".join(words[1:]), {"document": document})
    return read_page(document, number, options)
worker.read_page = odd
worker.main()
"""

LEAVES_A_FILE = "import tempfile; tempfile.mkstemp()"


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """An empty folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def odd_worker(monkeypatch):
    def start(module, environment, *, quiet):
        assert (module, quiet) == ("pagesight.indexer.reading.worker", True)
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", ODD_WORKER], stdin=pipe, stdout=pipe, env={**os.environ, **environment}
        )

    monkeypatch.setattr(process_module, "start_worker", start)


def odd_file(path, *statements):
    """A text of pages, each of which runs a statement in the process that reads it; an empty one is a good page."""
    pages = [f"run {statement}" if statement else "plain words" for statement in statements]
    path.write_text("".join(page + "\n" * 60 for page in pages))
    return path


def read(path, n_pages, *, seconds=20.0, options=NO_OCR):
    with PageReader(options, n_processes=1, seconds_per_page=seconds) as reader:
        return reader.read(path, 1, n_pages).result()


def reasons(pages):
    return [page.reason if isinstance(page, PageProblem) else "" for page in pages]


@contextmanager
def reading_process(seconds=20.0):
    process = ReadingProcess(NO_OCR, seconds, 4 << 30)
    try:
        yield process
    finally:
        process.close()


def pid_of(process):
    return process._running._process.pid


def request(path, **more):
    return {"path": os.fsencode(path).hex(), **more}


# What readers raise


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise MemoryError", "needs more memory"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('two\\nlines\\x1b[31m')", "ValueError: two lines\\x1b[31m"),
        ("raise ValueError('x' * 9999)", "ValueError: xxx"),
        ("raise OSError(5, chr(0xdcff))", "OSError: [Errno 5] \\xff"),
        *(
            pytest.param(*one, marks=pytest.mark.thorough)  # a process each, for other classes of exceptions
            for one in (
                ("raise SyntaxError('not a TIFF file')", "SyntaxError: not a TIFF file"),
                ("raise RecursionError('too deep')", "RecursionError: too deep"),
                ("b'\\xff'.decode()", "UnicodeDecodeError: 'utf-8' codec"),
                ("import struct; struct.unpack('I', b'')", "error: unpack requires"),
                ("raise SystemExit(3)", "SystemExit: 3"),
            )
        ),
    ],
)
def test_an_exception_costs_its_page_and_says_its_name(odd_worker, tmp_path, statement, reason):
    pages = read(odd_file(tmp_path / "a.txt", "", statement, ""), 3)
    first, middle, last = reasons(pages)
    assert (first, last) == ("", "")
    assert reason in middle
    assert len(middle) < 400
    assert middle.isprintable()


def test_the_process_lives_on_after_an_exception(odd_worker, tmp_path):
    path = odd_file(tmp_path / "a.txt", "raise SystemExit", "raise RecursionError", "")
    with PageReader(NO_OCR, n_processes=1, seconds_per_page=20) as reader:
        reader.open(path).result()
        (process,) = reader._processes
        pid = pid_of(process)
        reader.read(path, 1, 3).result()
        with pytest.raises(UnreadableDocument, match="cannot be opened: No such file"):
            reader.open(tmp_path / "none.txt").result()
        assert pid_of(process) == pid


@pytest.mark.parametrize("error", [SyntaxError("odd"), MemoryError(), SystemExit(2), UnicodeError("bad")])
def test_an_exception_on_opening_costs_the_file(monkeypatch, tmp_path, error):
    from pagesight.indexer.reading import text_file, worker

    def fail(*_):
        raise error

    monkeypatch.setattr(text_file, "text_of", fail)
    (tmp_path / "a.txt").write_text("words")
    session = worker.Session(NO_OCR, 60, None)
    (answer,) = session._answer(request(tmp_path / "a.txt"))
    worker.limit_time(0)
    (kind, text) = json.loads(answer[1:])["error"]
    assert kind == "UnreadableDocument"
    assert reason_of(error) in text


def damaged_tiff(path, frame):
    """Six frames, one of which says that its pixels mean something unknown."""
    import struct

    frames = [Image.new("L", (200, 200), 255 - i) for i in range(6)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    data = bytearray(path.read_bytes())
    at, places = struct.unpack_from("<I", data, 4)[0], []
    while at:
        places.append(at)
        at = struct.unpack_from("<I", data, at + 2 + 12 * struct.unpack_from("<H", data, at)[0])[0]
    place = places[frame - 1]
    for k in range(struct.unpack_from("<H", data, place)[0]):
        if struct.unpack_from("<H", data, place + 2 + 12 * k)[0] == 262:
            struct.pack_into("<HHII", data, place + 2 + 12 * k, 262, 3, 1, 9999)
    path.write_bytes(data)
    return path, places


@pytest.mark.parametrize("frame", [2, 4, 6])
def test_a_damaged_frame_of_an_image_costs_itself(tmp_path, frame):
    path, _ = damaged_tiff(tmp_path / "six.tif", frame)
    document = open_document(path, NO_OCR)
    assert document.info.n_pages == 6
    for number in (*range(1, 7), frame, 1):
        if number == frame:
            with pytest.raises(UnreadableDocument, match=f"frame {frame} is damaged: SyntaxError: unknown pixel mode"):
                read_page(document, number, NO_OCR)
        else:
            assert read_page(document, number, NO_OCR).width_pt == 200 * 72 / 150
            level = 255 - (number - 1)
            assert document.render(number, max_pixels=9, max_dpi=9).flat[0] == level
    document.close()


def test_a_chain_of_frames_that_breaks_off_keeps_those_before(tmp_path):
    path, places = damaged_tiff(tmp_path / "six.tif", 2)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: places[4] + 1])
    document = open_document(path, NO_OCR)
    assert document.info.n_pages == 5
    read_page(document, 4, NO_OCR)
    with pytest.raises(UnreadableDocument, match="frame 5 is damaged"):
        read_page(document, 5, NO_OCR)
    document.close()


def test_a_file_that_claims_frames_without_end_has_those_that_are_there(tmp_path):
    import struct
    import zlib

    frames = [Image.new("L", (50, 50), level) for level in (0, 99, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    data = (tmp_path / "a.png").read_bytes()
    at = data.index(b"acTL")
    claim = b"acTL" + struct.pack(">II", 2_000_000_000, 0)
    (tmp_path / "a.png").write_bytes(data[:at] + claim + struct.pack(">I", zlib.crc32(claim)) + data[at + 16 :])
    document = open_document(tmp_path / "a.png", NO_OCR)
    assert 3 <= document.info.n_pages <= 4
    assert [document.render(n, max_pixels=9, max_dpi=9).flat[0] for n in (1, 2, 3)] == [0, 99, 200]
    document.close()


def test_a_later_frame_may_not_be_larger_than_a_first_one(tmp_path):
    small = Image.new("L", (10, 10))
    small.save(tmp_path / "a.tif", save_all=True, append_images=[Image.new("L", (200, 200))])
    document = open_document(tmp_path / "a.tif", ReadOptions(ocr="off", max_image_pixels=10_000))
    read_page(document, 1, NO_OCR)
    with pytest.raises(UnreadableDocument, match="megapixels"):
        read_page(document, 2, NO_OCR)
    document.close()


def test_a_missing_or_failing_tesseract_is_a_reason(monkeypatch, tmp_path):
    text_image("some words").save(tmp_path / "a.png")
    options = ReadOptions(ocr="tesseract")
    monkeypatch.setenv("PATH", str(tmp_path))
    (page,) = read(tmp_path / "a.png", 1, options=options)
    assert "the program tesseract is not installed" in page.reason
    assert "pip" not in page.reason
    (tmp_path / "tesseract").write_text(
        '#!/bin/sh\nif [ "$1" = --list-langs ]; then echo list; echo eng; exit 0; fi\necho >&2 out of luck; exit 7'
    )
    (tmp_path / "tesseract").chmod(0o755)
    (page,) = read(tmp_path / "a.png", 1, options=options)
    assert "CalledProcessError: tesseract ended with exit code 7: out of luck" in page.reason


# How long a page may take


@pytest.mark.thorough
def test_a_page_that_spins_is_stopped(odd_worker, tmp_path):
    began = time.monotonic()
    first, middle, last = reasons(read(odd_file(tmp_path / "a.txt", "", "while True: pass", ""), 3, seconds=2))
    assert (first, last) == ("", "")
    assert middle == "took more than 2 s of processor time; the reading process was stopped"
    assert time.monotonic() - began < 60


@pytest.mark.thorough
def test_a_page_whose_program_spins_is_stopped_with_it(odd_worker, tmp_path):
    spin = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass  # spins for a test'])"
    (reason,) = reasons(read(odd_file(tmp_path / "a.txt", spin), 1, seconds=2))
    assert "took more than 2 s of processor time" in reason
    assert not [p for p in psutil.process_iter(["cmdline"]) if "spins for a test" in " ".join(p.info["cmdline"] or ())]


@pytest.mark.thorough
def test_a_page_that_sleeps_is_stopped(odd_worker, tmp_path):
    pages = read(odd_file(tmp_path / "a.txt", "", "import time; time.sleep(1000)", ""), 3, seconds=2)
    assert reasons(pages) == ["", "did nothing for 2 s; the reading process was stopped", ""]


WORK = "import time; t = time.process_time()\nwhile time.process_time() - t < 1: pass".replace(
    "\n", "; exec('while time.process_time() - t < 1: pass') #"
)


@pytest.mark.thorough
def test_a_page_that_is_slowed_down_is_kept(odd_worker, tmp_path):
    """It needs 1 s of processor time of 2, and takes more by the clock, because it is stopped most of the time."""
    path = odd_file(tmp_path / "a.txt", WORK)
    with PageReader(NO_OCR, n_processes=1, seconds_per_page=2) as reader:
        reader.open(path).result()
        pid = pid_of(reader._processes[0])
        page = reader.read(path, 1, 1)
        began = time.monotonic()
        while not page.done():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.2)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)
        assert reasons(page.result()) == [""]
        assert time.monotonic() - began > 2


@pytest.mark.thorough
def test_the_worker_ends_itself_when_nobody_else_does(odd_worker, tmp_path):
    """A parent that is gone cannot stop a library that loops: the kernel does, at twice the limit."""
    path = odd_file(tmp_path / "a.txt", "while True: pass")
    with reading_process(seconds=0.5) as process, process.asked(request(path, first=1, last=1)):
        assert process._running._process.wait(60) == -signal.SIGPROF
        with pytest.raises(ReaderStalled, match=r"took more than 0\.5 s of processor time"):
            process.answer()


@pytest.mark.thorough
def test_a_worker_that_waits_for_ever_ends_after_its_parent(temporary, tmp_path):
    """Also if the parent is killed and can tell it nothing; the program that it runs, and its files, end with it."""
    odd = odd_file(tmp_path / "a.txt", LEAVES_A_FILE + "; import subprocess; subprocess.run(['sleep', '1000'])")
    parent = f"""
import subprocess, sys
from pagesight.indexer.running import process
def start(module, environment, *, quiet):
    return subprocess.Popen([sys.executable, "-c", {ODD_WORKER!r}], stdin=-1, stdout=-1)
process.start_worker = start
reading = process.ReadingProcess(process.ReadOptions(ocr="off"), 500, 4 << 30)
with reading.asked({request(odd, first=1, last=1)!r}):
    print(reading._running._process.pid, flush=True)
    reading.answer()
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as running:
        worker = psutil.Process(int(running.stdout.readline()))
        while not (children := worker.children()):
            time.sleep(0.05)
        running.kill()
    family = [worker, *children]
    psutil.wait_procs(family, timeout=60)
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert list(temporary.iterdir()) == []


# Processes that get out of step


class Odd(BaseException):
    pass


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, *(pytest.param(e, marks=pytest.mark.thorough) for e in (Odd, ValueError))]
)
def test_an_exception_between_request_and_answer_drops_the_process(tmp_path, error):
    make_pdf(tmp_path / "a.pdf", ["one", "two", "three"])
    make_pdf(tmp_path / "b.pdf", ["other words"])
    with reading_process() as process:
        with pytest.raises(error):
            with process.asked(request(tmp_path / "a.pdf", first=1, last=3)):
                process.answer()
                raise error
        with process.asked(request(tmp_path / "b.pdf", first=1, last=1)):
            assert PageContent.from_bytes(process.answer()[1:]).words.texts == ("other", "words")


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"Pnonsense",
        b'J{"error": [[], 1]}',
        *(
            pytest.param(frame, marks=pytest.mark.thorough)  # a process each, for other ways to be garbled
            for frame in (b"P", b"J", b"J[]", b"Jnull", b'J{"page": 7, "error": ["X", "y"]}', b'J{"error": 5}')
        ),
    ],
)
def test_a_garbled_answer_is_a_crash_and_the_next_file_is_read(odd_worker, tmp_path, frame):
    garble = f'import os; b = {frame!r}; exec(\'f = [i for i in range(3, 9) if os.path.exists(f"/proc/self/fd/{{i}}") and "pipe" in os.readlink(f"/proc/self/fd/{{i}}")]; os.write(f[0], len(b).to_bytes(4, "big") + b)\')'
    path = odd_file(tmp_path / "a.txt", "", garble, "")
    with PageReader(NO_OCR, n_processes=1, seconds_per_page=20) as reader:
        first, middle, last = reasons(reader.read(path, 1, 3).result())
        assert "sent what is no answer" in middle
        assert (first, last) == ("", "")
        good = odd_file(tmp_path / "b.txt", "", "")
        assert reasons(reader.read(good, 1, 2).result()) == ["", ""]


def test_an_answer_too_many_is_not_taken_for_the_next(odd_worker, tmp_path):
    twice = "from pagesight.indexer.reading import worker; import gc; s = [o for o in gc.get_objects() if type(o).__name__ == 'Session'][0]; worker.send(s._answers, b'J{}')"
    path = odd_file(tmp_path / "a.txt", twice)
    with reading_process() as process:
        with process.asked(request(path, first=1, last=1)):
            assert process.answer() == b"J{}"
        while process._running.answers.empty():  # until the other one has come
            time.sleep(0.01)
        with process.asked(request(path)):
            assert json.loads(process.answer()[1:])["opened"]["n_pages"] == 1


@pytest.mark.thorough
def test_closing_while_threads_wait_is_no_crash(odd_worker, tmp_path):
    path = odd_file(tmp_path / "a.txt", "import time; time.sleep(60)")
    for wait_s in (0.0, 0.05, 0.3, 1.0):
        reader = PageReader(NO_OCR, n_processes=2, seconds_per_page=60)
        futures = [reader.read(path, 1, 1), reader.open(path), reader.read(path, 1, 1), reader.open(path)]
        time.sleep(wait_s)
        reader.close()
        for future in futures:
            if not future.cancelled() and future.exception() is not None:
                assert isinstance(future.exception(), ReaderClosed), future.exception()
            elif not future.cancelled():
                assert not isinstance(future.result(), list), "a page was given up"
    assert not [thread for thread in threading.enumerate() if "_listen" in thread.name]


@pytest.mark.thorough
def test_a_process_that_is_killed_is_a_crash_unless_we_did_it(odd_worker, tmp_path):
    path = odd_file(tmp_path / "a.txt", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "")
    first, second = reasons(read(path, 2))
    assert first == "the reading process crashed (signal 9)"
    assert second == ""
    with reading_process() as process, pytest.raises(ReaderCrashed, match="exit code 5"):
        with process.asked(request(odd_file(tmp_path / "b.txt", "import os; os._exit(5)"), first=1, last=1)):
            process.answer()


# What processes leave behind


@pytest.mark.thorough
def test_temporary_files_of_a_process_go_with_it_however_it_ends(odd_worker, temporary, tmp_path):
    path = odd_file(tmp_path / "a.txt", LEAVES_A_FILE, LEAVES_A_FILE + "; import os; os._exit(5)")
    with reading_process() as process:
        with pytest.raises(ReaderCrashed, match="exit code 5"), process.asked(request(path, first=2, last=2)):
            process.answer()
        assert list(temporary.iterdir()) == []
        with process.asked(request(path, first=1, last=1)):
            process.answer()
        assert len(list(temporary.glob("*/*"))) == 1
    assert list(temporary.iterdir()) == []


@pytest.mark.thorough
def test_files_are_read_where_there_is_no_place_for_temporary_ones(monkeypatch, tmp_path):
    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(process_module.tempfile, "mkdtemp", full)
    file = make_pdf(tmp_path / "a.pdf", ["some words"])
    with PageReader(ReadOptions(ocr="off"), n_processes=1, seconds_per_page=30) as reader:
        assert reader.open(file).result().n_pages == 1


def test_a_process_that_cannot_be_started_leaves_no_folder(monkeypatch, temporary):
    def none_left(*_, **__):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(process_module, "start_worker", none_left)
    with pytest.raises(BlockingIOError):
        process_module._Running(30)
    assert list(temporary.iterdir()) == []


# Descriptors


@pytest.mark.thorough
def test_no_opening_leaves_a_descriptor_behind(tmp_path):
    """In the reading process, over files that open, that are damaged and that are refused."""
    make_hostile_folder(tmp_path)
    (tmp_path / "bomb.pdf").unlink()
    (tmp_path / "pipe.pdf").unlink()
    damaged_tiff(tmp_path / "six.tif", 4)
    write_png(tmp_path / "large.png", 20_000, 20_000, rows=1)
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "b.txt").write_bytes(b"\x00\x01")
    paths = sorted(path for path in tmp_path.iterdir() if not path.is_dir())
    with PageReader(NO_OCR, n_processes=1, seconds_per_page=20) as reader:

        def open_all():
            for future in [reader.open(path) for path in paths]:
                future.exception()
            for path in paths:
                reader.read(path, 1, 1).exception()
            return psutil.Process(pid_of(reader._processes[0])).num_fds()

        first = open_all()
        own = psutil.Process().num_fds()
        for _ in range(4):
            assert open_all() <= first
        assert psutil.Process().num_fds() <= own
    assert 5 * 2 * len(paths) > 200


@pytest.mark.thorough
def test_stopped_processes_leave_no_descriptor_in_the_parent(tmp_path):
    make_pdf(tmp_path / "a.pdf", ["one"])
    counts = []
    with reading_process() as process:
        for _ in range(6):
            with process.asked(request(tmp_path / "a.pdf")):
                process.answer()
            process.stop()
            counts.append(psutil.Process().num_fds())
    assert max(counts) == counts[0]


def test_frames_that_are_cut_off_are_the_end(tmp_path):
    (tmp_path / "x").write_bytes(b"\x00\x00\x00\x09abc")
    with open(tmp_path / "x", "rb") as file:
        assert receive(file) is None
