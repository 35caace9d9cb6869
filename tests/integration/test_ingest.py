"""Indexing real files with the toy encoder: what changes, what stays, what goes wrong."""

import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pagesight.engine import IndexConfig, SearchEngine
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import EXTENSIONS, TEXT_EXTENSIONS
from pagesight.indexer.running.discover import discover
from pagesight.indexer.running.pipeline import Ingest
from pagesight.indexer.running.plan import IngestOptions, Planner
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.errors import DocumentError, StoreNotFound
from tests.helpers import HASHING, make_pdf, text_image
from tests.hostile import EXPECTED, FORBIDDEN, make_bomb, make_hostile_folder, stream, write_pdf

FAST = {"n_processes": 1, "seconds_per_page": 20.0}


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    make_pdf(folder / "a.pdf", ["apples and pears in a basket", "quinces from the old garden"])
    make_pdf(folder / "sub" / "b.pdf", ["bicycles for the whole family"])
    return folder


@pytest.fixture
def engine(tmp_path):
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        yield engine


def index(engine, *paths, **config):
    return {str(outcome.source.path): outcome for outcome in engine.index(paths, IndexConfig(**{**FAST, **config}))}


def statuses(engine, *paths, **config):
    return {name: str(outcome.status) for name, outcome in index(engine, *paths, **config).items()}


def names(engine):
    return [name for document in engine.documents() for name in document.names]


def best(engine, query):
    return engine.search(query, k=1)[0].name


def test_index_search_and_again(engine, docs):
    assert statuses(engine, docs) == {"a.pdf": "indexed", "sub/b.pdf": "indexed"}
    assert best(engine, "quinces") == "a.pdf:2"
    assert best(engine, "bicycles") == "sub/b.pdf:1"
    make_old(docs)
    assert set(statuses(engine, docs).values()) == {"unchanged"}


def make_old(folder: Path) -> None:
    """Set times back, so that files are not taken for changed within the last two seconds."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (1_600_000_000, 1_600_000_000))


def test_a_changed_file_is_replaced(engine, docs):
    index(engine, docs)
    make_pdf(docs / "a.pdf", ["plums instead of other fruit"])
    assert statuses(engine, docs)["a.pdf"] == "indexed"
    assert best(engine, "plums") == "a.pdf:1"
    assert [document.n_indexed_pages for document in engine.documents()] == [1, 1]
    assert engine.search("quinces", k=10, exact=True)[0].score < 0.9


@pytest.mark.thorough
def test_a_change_that_keeps_size_and_time_is_found_by_rehash(engine, tmp_path):
    path = write_pdf(tmp_path / "a.pdf", {4: stream(b"BT /H 12 Tf 20 100 Td (apple sauce) Tj ET")})
    make_old(tmp_path)
    index(engine, path)
    write_pdf(path, {4: stream(b"BT /H 12 Tf 20 100 Td (grape juice) Tj ET")})
    make_old(tmp_path)
    assert statuses(engine, path) == {"a.pdf": "unchanged"}
    assert statuses(engine, path, rehash=True) == {"a.pdf": "indexed"}
    assert engine.search("grape", k=1)[0].score > 0.9


@pytest.mark.thorough
def test_a_file_as_young_as_its_time_stamp_is_compared_by_content(engine, tmp_path):
    path = write_pdf(tmp_path / "a.pdf", {4: stream(b"BT /H 12 Tf 20 100 Td (apple sauce) Tj ET")})
    index(engine, path)
    write_pdf(path, {4: stream(b"BT /H 12 Tf 20 100 Td (grape juice) Tj ET")})
    soon = time.time() + 60  # a clock that is a little ahead, as on a file server
    os.utime(path, (soon, soon))
    index(engine, path)
    write_pdf(path, {4: stream(b"BT /H 12 Tf 20 100 Td (melon mousse) Tj ET"[:42])})
    os.utime(path, (soon, soon))
    assert statuses(engine, path) == {"a.pdf": "indexed"}


def test_a_touched_file_is_not_read_again(engine, docs):
    index(engine, docs)
    before = engine.documents()[0].added_at
    os.utime(docs / "a.pdf", (1_500_000_000, 1_500_000_000))
    assert statuses(engine, docs)["a.pdf"] == "unchanged"
    assert engine.documents()[0].added_at == before


def test_copies_share_one_document_until_the_last_name_goes(engine, docs):
    shutil.copy(docs / "a.pdf", docs / "copy.pdf")
    assert statuses(engine, docs)["copy.pdf"] == "copied"
    assert engine.totals().n_pages == 3
    assert len(engine.search("quinces", k=10)) == 3
    assert engine.remove("a.pdf") == ["a.pdf"]
    assert best(engine, "quinces") == "copy.pdf:2"
    assert engine.remove("copy.pdf") == ["copy.pdf"]
    assert engine.totals().n_pages == 1


def test_a_renamed_file_keeps_its_vectors(engine, docs):
    index(engine, docs)
    (docs / "a.pdf").rename(docs / "renamed.pdf")
    found = statuses(engine, docs)
    assert found == {"renamed.pdf": "renamed", "sub/b.pdf": "unchanged"}
    assert names(engine) == ["renamed.pdf", "sub/b.pdf"]


def test_files_that_swap_their_contents_are_both_found(engine, docs):
    index(engine, docs)
    a, b = (docs / "a.pdf").read_bytes(), (docs / "sub" / "b.pdf").read_bytes()
    (docs / "a.pdf").write_bytes(b)
    (docs / "sub" / "b.pdf").write_bytes(a)
    assert set(statuses(engine, docs).values()) <= {"copied", "indexed"}
    assert best(engine, "bicycles") == "a.pdf:1"
    assert best(engine, "quinces") == "sub/b.pdf:2"
    assert engine.failures() == []


@pytest.mark.thorough
def test_a_copy_of_a_file_that_cannot_be_read_gets_its_own_outcome(engine, docs, monkeypatch):
    from pagesight.indexer.running import pipeline

    shutil.copy(docs / "a.pdf", docs / "a copy.pdf")
    for i in range(12):  # files behind it take all the room for reading ahead
        make_pdf(docs / f"more {i:02}.pdf", [f"page {j} of more" for j in range(20)])
    real = pipeline.check_untouched

    def touched(source):
        if source.path == "a copy.pdf":
            raise DocumentError("it was changed while it was being read")
        real(source)

    monkeypatch.setattr(pipeline, "check_untouched", touched)
    found = index(engine, docs)
    assert [found[name].status for name in ("a copy.pdf", "a.pdf")] == ["failed", "indexed"]
    assert found["a.pdf"].n_pages == 2
    assert best(engine, "quinces") == "a.pdf:2"


def test_a_whole_index_is_asked_twice_however_many_files_there_are(docs):
    calls = []

    class Known:
        def known_files(self):
            calls.append("files")
            return {}

        def known_failures(self):
            calls.append("failures")
            return {}

    planner = Planner(Known(), IngestOptions())
    plans = [planner.plan(found) for found in discover([docs, docs])]
    assert [plan.path for plan in plans] == [docs / "a.pdf", docs / "sub" / "b.pdf"]
    assert sorted(calls) == ["failures", "files"]


class DictIndex:
    """All that indexing needs of an index, in memory."""

    def __init__(self):
        self.documents, self.names, self.failed = {}, {}, []

    def known_files(self):
        return {}

    def known_failures(self):
        return {}

    @contextmanager
    def draft(self):
        yield DictDraft(self)

    def add_name(self, sha256, source):
        self.names[os.fsencode(source.location)] = sha256

    def touch(self, source):
        raise AssertionError("nothing was known")

    def remove_names(self, locations):
        raise AssertionError("nothing is gone")

    def set_tags(self, sha256, tags):
        self.documents[sha256].tags.update(tags)

    def record_failure(self, source, status, reason, *, drop):
        self.failed.append((source.path, status, reason, drop))

    def has_document(self, sha256):
        return sha256 in self.documents

    def names_of(self, sha256):
        return [location for location, content in self.names.items() if content == sha256]


class DictDraft:
    def __init__(self, index):
        self.index, self.n_pages = index, 0

    def add_page(self, new):
        self.n_pages += 1

    def commit(self, info, source, page_failures=()):
        self.index.documents[info.sha256] = info
        self.index.add_name(info.sha256, source)


def test_any_index_will_do_and_is_told_the_kind_of_each_document(docs):
    (docs / "notes.txt").write_text("a few words")
    text_image("", (9, 9)).save(docs / "picture.png")
    shutil.copy(docs / "a.pdf", docs / "z copy.pdf")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    memory = DictIndex()
    with PageReader(ReadOptions(ocr="off"), n_processes=1, seconds_per_page=20) as reader:
        ingest = Ingest(memory, memory, reader, HASHING, IngestOptions())
        found = {o.source.path: str(o.status) for o in ingest.run(discover([docs], EXTENSIONS | TEXT_EXTENSIONS))}
    assert found.pop("z copy.pdf") == "copied"
    assert found.pop("broken.pdf") == "failed"
    assert set(found.values()) == {"indexed"}
    assert sorted(info.kind for info in memory.documents.values()) == ["image", "pdf", "pdf", "text"]
    assert [(path, drop) for path, _, _, drop in memory.failed] == [("broken.pdf", True)]
    assert len(memory.names) == 5


def test_files_that_are_gone_stay_until_pruned(engine, docs):
    index(engine, docs)
    (docs / "a.pdf").unlink()
    assert statuses(engine, docs)["a.pdf"] == "gone"
    assert best(engine, "quinces") == "a.pdf:2"
    assert statuses(engine, docs / "sub", prune=True) == {"b.pdf": "unchanged"}
    assert statuses(engine, docs, prune=True)["a.pdf"] == "removed"
    assert names(engine) == ["sub/b.pdf"]


def test_a_folder_that_was_renamed_leaves_nothing_behind(engine, docs):
    index(engine, docs)
    make_pdf(docs / "a.pdf", ["changed on the way: damsons"])
    moved = docs.rename(docs.parent / "moved")
    assert statuses(engine, moved, prune=True) == {"a.pdf": "indexed", "sub/b.pdf": "renamed"}
    assert len(names(engine)) == 3  # the old a.pdf is below a path that was not named
    assert set(index(engine, docs, moved, prune=True)) == {"a.pdf", "sub/b.pdf"}
    assert sorted(names(engine)) == ["a.pdf", "sub/b.pdf"]
    assert engine.failures() == []
    assert statuses(engine, docs)["docs"] == "failed"  # without anything to prune it is a mistake


def test_locks_of_office_programs_are_no_documents(engine, docs):
    (docs / "~$a.pdf").write_bytes(b"\x05Ivan\x00" * 20)
    assert set(statuses(engine, docs)) == {"a.pdf", "sub/b.pdf"}
    assert statuses(engine, docs / "~$a.pdf") == {"~$a.pdf": "skipped"}


def test_tags_are_given_to_old_and_new_documents(engine, docs):
    index(engine, docs / "a.pdf")
    index(engine, docs, tags={"customer": "acme"})
    assert {document.document: document.tags for document in engine.documents()} == {
        "a.pdf": {"customer": "acme"},
        "sub/b.pdf": {"customer": "acme"},
    }
    assert len(engine.search("bicycles", filters="tag.customer = acme")) == 3
    assert engine.search("bicycles", filters="tag.customer = other") == []


def test_reindex_reads_again_and_keeps_every_name(engine, docs):
    shutil.copy(docs / "a.pdf", docs / "copy.pdf")
    index(engine, docs)
    found = statuses(engine, docs, reindex=True)
    assert found == {"a.pdf": "indexed", "copy.pdf": "unchanged", "sub/b.pdf": "indexed"}
    assert names(engine) == ["a.pdf", "copy.pdf", "sub/b.pdf"]
    assert engine.totals().n_pages == 3


def test_a_password_opens_what_failed_without_it(engine, tmp_path):
    path = make_pdf(
        tmp_path / "secret.pdf", ["hidden treasure of the island"], encryption=5, user_pw="open", owner_pw="boss"
    )
    first, second = index(engine, path)["secret.pdf"], index(engine, path)["secret.pdf"]
    assert first.reason == "encrypted PDF: it needs a password"
    assert (first.needs_password, first.remembered) == (True, False)
    assert second.reason == f"{first.reason} (unchanged since; not tried again)"
    assert second.remembered
    assert "does not open" in index(engine, path, password="wrong")["secret.pdf"].reason
    assert statuses(engine, path, password="open") == {"secret.pdf": "indexed"}
    assert engine.failures() == []
    assert best(engine, "treasure") == "secret.pdf:1"


@pytest.mark.thorough  # that it is not tried again is seen with a password, too
def test_what_failed_is_not_tried_again_until_asked_or_changed(engine, tmp_path):
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 and nothing else")
    first = index(engine, path)["broken.pdf"]
    second = index(engine, path)["broken.pdf"]
    assert second.reason == f"{first.reason} (unchanged since; not tried again)"
    assert index(engine, path, retry=True)["broken.pdf"].reason == first.reason
    make_pdf(path, ["mended and readable again"])
    assert statuses(engine, path) == {"broken.pdf": "indexed"}
    assert engine.failures() == []


def test_a_file_that_breaks_loses_its_old_content(engine, docs):
    index(engine, docs)
    (docs / "a.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    assert statuses(engine, docs)["a.pdf"] == "failed"
    assert names(engine) == ["sub/b.pdf"]


@pytest.mark.thorough
def test_hostile_files_get_an_outcome_each_and_the_good_ones_are_found(engine, tmp_path):
    folder = tmp_path / "hostile"
    make_hostile_folder(folder)
    expected = dict(EXPECTED)
    if os.geteuid() != 0:
        make_pdf(folder / FORBIDDEN, ["not for you"]).chmod(0)
        expected[FORBIDDEN] = ("failed", "Permission denied")
    found = index(engine, folder, seconds_per_page=6.0)
    assert set(found) == set(expected)
    for name, (status, reason) in expected.items():
        assert str(found[name].status) in status.split("|"), (name, found[name])
        assert reason in found[name].reason, (name, found[name])
    assert {failure.document for failure in engine.failures()} == {
        name for name, outcome in found.items() if outcome.status in ("failed", "skipped")
    }
    assert best(engine, "alpacas") == "zz good copy.pdf:1" or best(engine, "alpacas") == "zz good.pdf:1"
    assert best(engine, "harbour tide tables") in ("aa good.pdf:1", "zz good copy.pdf:1")
    assert engine.examine().healthy


@pytest.mark.thorough
def test_one_stalling_page_costs_only_itself(engine, tmp_path):
    import pymupdf

    bomb = make_bomb(tmp_path / "bomb.pdf")
    mixed = pymupdf.open()
    for i in range(6):
        mixed.new_page().insert_text((50, 50), f"harmless words on page {i}")
    mixed.insert_pdf(pymupdf.open(bomb), start_at=3)
    mixed.save(tmp_path / "mixed.pdf")
    outcome = index(engine, tmp_path / "mixed.pdf", seconds_per_page=4.0)["mixed.pdf"]
    assert outcome.status == "indexed"
    assert outcome.n_pages == 6
    assert [problem.number for problem in outcome.page_problems] == [4]
    (failure,) = engine.failures()
    assert (failure.page, failure.status) == (4, "failed")
    assert "took more than 4 s of processor time" in failure.reason


@pytest.mark.thorough
def test_killed_reading_processes_are_replaced(engine, tmp_path):
    folder = tmp_path / "many"
    for i in range(30):
        make_pdf(folder / f"{i:02}.pdf", [f"number {i} has a page {j}" for j in range(6)])
    killed = []

    def kill_now_and_then(done):
        if done.number == 3 and len(killed) < 6:
            for child in psutil.Process().children(recursive=True):
                if "pagesight.indexer.reading.worker" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGKILL)
                    killed.append(child.pid)
                    break

    found = engine.index([folder], IndexConfig(**FAST), on_page=kill_now_and_then)
    outcomes = {outcome.source.path: outcome for outcome in found}
    assert killed
    assert {str(outcome.status) for outcome in outcomes.values()} == {"indexed"}
    assert sum(outcome.n_pages + len(outcome.page_problems) for outcome in outcomes.values()) == 180
    assert engine.examine().healthy


@pytest.mark.thorough
def test_stopping_in_the_middle_keeps_what_was_finished(engine, tmp_path):
    folder = tmp_path / "many"
    for i in range(8):
        make_pdf(folder / f"{i}.pdf", [f"this is number {i} of all"])
    run = engine.iter_index([folder], IndexConfig(**FAST))
    finished = [next(run).source.path for _ in range(3)]
    run.close()
    assert names(engine) == finished
    assert not [
        child
        for child in psutil.Process().children(recursive=True)
        if "pagesight.indexer.reading.worker" in " ".join(child.cmdline())
    ]
    assert sorted(statuses(engine, folder)) == [f"{i}.pdf" for i in range(8)]
    assert len(names(engine)) == 8


@pytest.mark.thorough
def test_a_file_that_changes_while_it_is_read_is_not_stored_half_and_half(engine, tmp_path):
    path = make_pdf(tmp_path / "long.pdf", ["this is how it was"])
    index(engine, path)
    path = make_pdf(tmp_path / "long.pdf", [f"this is page {i} of many" for i in range(40)])
    touched = []

    def touch(done):
        if done.number == 8:
            os.utime(path, (1_600_000_000, 1_600_000_000))
            touched.append(done)

    (outcome,) = engine.index([path], IndexConfig(**FAST), on_page=touch)
    assert touched
    assert outcome.status == "failed"
    assert "changed while it was being read" in outcome.reason
    assert best(engine, "how it was") == "long.pdf:1", "the old pages are better than none"
    assert statuses(engine, path) == {"long.pdf": "indexed"}


@pytest.mark.thorough
def test_images_and_pages_without_a_text_layer_are_read_from_their_pixels(engine, tmp_path):
    import pymupdf

    folder = tmp_path / "pictures"
    folder.mkdir()
    text_image("Invoice 4711\nWater damage repair").save(folder / "photo.png")
    text_image("Turned sideways archive\nsecond line of it").rotate(90, expand=True).save(folder / "turned.jpg")
    text_image("Standing upside down\nsecond line of it").rotate(180).save(folder / "upside.png")
    text_image("a slide about\nelderflower syrup").save(folder / "slide.png")
    document = pymupdf.open()
    page = document.new_page(width=600, height=400)
    page.insert_image(pymupdf.Rect(0, 0, 600, 240), filename=folder / "slide.png")
    page.insert_text((50, 320), "words of the text layer beside the picture", fontsize=14)
    document.save(folder / "mixed.pdf")
    index(engine, folder)
    assert best(engine, "water damage") == "photo.png:1"
    assert best(engine, "sideways archive") == "turned.jpg:1"
    assert best(engine, "upside down") == "upside.png:1"
    assert best(engine, "elderflower syrup") in ("mixed.pdf:1", "slide.png:1")
    assert [hit.name for hit in engine.search("elderflower syrup text layer beside", k=1)] == ["mixed.pdf:1"]
    (mixed,) = engine.documents("source = 'text+ocr'")
    assert mixed.document == "mixed.pdf"
    index(engine, folder, ocr="off", reindex=True)
    assert engine.totals().n_pages_without_words == 4


def test_regions_are_where_the_words_are_on_turned_and_cropped_pages(engine, tmp_path):
    import pymupdf

    document = pymupdf.open()
    for turn in (0, 90, 180, 270):
        page = document.new_page(width=600, height=800)
        page.insert_text((100, 100), "compass", fontsize=20)
        page.insert_text((100, 700), "filler text of no interest at all", fontsize=20)
        page.set_cropbox(pymupdf.Rect(50, 50, 450, 750))
        page.set_rotation(turn)
    document.save(tmp_path / "turned.pdf")
    index(engine, tmp_path / "turned.pdf")
    expected = {0: (0.125, 0.05), 90: (0.95, 0.125), 180: (0.875, 0.95), 270: (0.05, 0.875)}
    hits = {hit.page: hit for hit in engine.search("compass")}
    for number, turn in enumerate((0, 90, 180, 270), start=1):
        x0, y0, x1, y1 = hits[number].regions[0].box
        x, y = expected[turn]
        assert x0 - 0.03 <= x <= x1 + 0.03, turn
        assert y0 - 0.03 <= y <= y1 + 0.03, turn


def test_pictures_show_the_page_and_refuse_a_changed_file(engine, docs):
    index(engine, docs)
    hits = engine.search("quinces", k=1)
    (picture,) = engine.pictures(hits)
    assert picture.size == pytest.approx((1030, 1457), abs=3)
    x0, y0, x1, y1 = hits[0].regions[0].box
    inside = picture.crop(
        (int(x0 * picture.width), int(y0 * picture.height), int(x1 * picture.width), int(y1 * picture.height))
    )
    colours = {colour for _, colour in inside.getcolors(1 << 20)}
    assert any(red > 200 and blue < 200 for red, _, blue in colours)
    make_pdf(docs / "a.pdf", ["changed since it was indexed"])
    with pytest.raises(DocumentError, match="was changed since it was indexed"):
        list(engine.pictures(hits))
    (docs / "a.pdf").unlink()
    with pytest.raises(DocumentError, match="No such file"):
        list(engine.pictures(hits))


def test_an_index_that_moved_with_its_documents_still_shows_them(tmp_path):
    make_pdf(tmp_path / "old" / "a.pdf", ["a movable feast in paris"])
    with SearchEngine.open(tmp_path / "old" / ".pagesight", model="hashing") as engine:
        index(engine, tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    with SearchEngine.open(tmp_path / "new" / ".pagesight") as engine:
        hits = engine.search("feast", k=1)
        assert hits[0].path == tmp_path / "new" / ".pagesight" / ".." / "a.pdf"
        assert len(list(engine.pictures(hits))) == 1


def test_nothing_is_made_before_there_is_something_to_index(tmp_path):
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        with pytest.raises(StoreNotFound, match="there is no index in"):
            engine.search("anything")
    assert not (tmp_path / "index").exists()


@pytest.mark.thorough
def test_searching_from_many_threads_while_indexing(engine, docs):
    index(engine, docs)
    errors = []
    stop = threading.Event()

    def search():
        while not stop.is_set():
            try:
                hits = engine.search("bicycles", k=3)
                assert hits[0].name == "sub/b.pdf:1"
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(6):
        make_pdf(docs / f"more{i}.pdf", [f"more pages in file {i}", "and others behind it"])
        index(engine, docs)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []


def test_an_estimate_tells_pages_and_cost_and_writes_nothing(engine, docs, tmp_path):
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    found = engine.estimate([docs], IndexConfig(**FAST))
    assert (found.n_files, found.n_unreadable, found.n_pages) == (3, 1, 3)
    assert not found.exact  # words are known when they are read
    assert found.n_vectors == pytest.approx(16, abs=3)
    assert found.n_tried == 3
    assert not (tmp_path / "index").exists()
    make_old(docs)
    index(engine, docs)
    assert engine.estimate([docs], IndexConfig(**FAST)).n_files == 0
    assert engine.estimate([docs], IndexConfig(**FAST, reindex=True)).n_files == 3
