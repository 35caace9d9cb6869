"""Segments are whole or refused by name, can be read without us, and are carried by whatever copies files."""

import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pagesight import copy_index, plan_copy
from pagesight.storage import errors
from pagesight.storage.exchange import SegmentFolder, writer
from pagesight.storage.store import Store
from pagesight.storage.values import SourceFile
from pagesight.storage.vectors.codecs import Int8Codec
from tests.helpers import add_document, space
from tests.moving.told import told


@pytest.fixture
def segments(store, tmp_path, monkeypatch):
    """One document a segment, behind one that says of what model they are."""
    monkeypatch.setattr(writer, "SEGMENT_ENTRIES", 1)
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    return sorted((tmp_path / "segments").glob("*.zip"))


def import_into(tmp_path, **options):
    return copy_index(f"segments://{tmp_path}/segments", tmp_path / "copy", **options)


def names(store):
    with store.view() as view:
        return {document.document for document in view.documents()}


def test_a_segment_can_be_read_without_us(store, tmp_path):
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    path = max((tmp_path / "segments").glob("*.zip"))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        header = json.loads(archive.read("segment.json"))
        assert header["space"]["encoder"] == "hashing"
        entry = next(e for e in header["entries"] if e["what"] == "document" and e["file"]["path"] == "a/x.pdf")
        singles = np.frombuffer(archive.read(f"{entry['prefix']}/singles.f16"), "<f2").reshape(3, -1)
        words = json.loads(archive.read(f"{entry['prefix']}/words.json"))
        tokens = archive.read(f"{entry['prefix']}/tokens")
    codec, at = Int8Codec(space().token_dim), 0
    with store.view() as view:
        for i, page in enumerate(entry["pages"]):
            page_id = view.find_page("a/x.pdf", page["number"])
            np.testing.assert_array_equal(
                codec.decode(tokens[at:], page["n_tokens"]), view.tokens(np.array([page_id]))[0]
            )
            np.testing.assert_array_equal(singles[i].astype(np.float32), view.single(page_id))
            assert tuple(words[i]["words"].split("\n")) == view.details(np.array([page_id]))[page_id].words.texts
            at += page["n_bytes"]
    assert at == len(tokens)


def test_only_what_is_new_makes_new_files(store, segments, tmp_path):
    before = {path.name: path.read_bytes() for path in segments}
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    assert {path.name for path in (tmp_path / "segments").glob("*.zip")} == before.keys()
    with store.writer() as writing:
        add_document(writing, "new.pdf", ["something new"])
        writing.remove_names([b"/docs/b/z.png"])
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments", delete=True)
    after = {path.name: path.read_bytes() for path in (tmp_path / "segments").glob("*.zip")}
    assert before.items() < after.items()
    assert len(after) == len(before) + 2
    import_into(tmp_path)
    with store.view() as view, Store(tmp_path / "copy") as copy, copy.view() as copied:
        assert told(copied) == told(view)


def cut(path):
    os.truncate(path, path.stat().st_size - 30)


def cut_in_the_middle(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def change_a_byte(path):
    with open(path, "r+b") as file:
        file.seek(200)
        byte = file.read(1)
        file.seek(200)
        file.write(bytes([byte[0] ^ 1]))


def empty(path):
    path.write_bytes(b"")


def lose(path):
    path.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        change_a_byte,
        lose,
        *(pytest.param(damage, marks=pytest.mark.thorough) for damage in (cut, cut_in_the_middle, empty)),
    ],
)
def test_a_damaged_segment_is_named_and_the_others_are_taken(store, segments, tmp_path, damage):
    chosen = next(path for path in segments if "z.png" in first_file(path))
    kept = tmp_path / "kept.zip"
    shutil.copy(chosen, kept)
    damage(chosen)
    done = import_into(tmp_path)
    assert [what for what, why in done.refused if chosen.name[:16] in f"{what}: {why}"] != []
    assert all(why.endswith(("copy it again", "copy it, too")) for _, why in done.refused)
    with Store(tmp_path / "copy") as copy:
        assert names(copy) == names(store) - {"b/z.png"}
    shutil.copy(kept, chosen)
    assert (done := import_into(tmp_path)).refused == ()
    assert done.n_documents == 1
    with store.view() as view, Store(tmp_path / "copy") as copy, copy.view() as copied:
        assert told(copied) == told(view)


@pytest.mark.parametrize(("at", "bit"), [(8, 1), (10, 8)], ids=["encrypted", "packed"])
def test_a_segment_that_is_said_to_be_otherwise_than_it_is_is_damaged(tmp_path, at, bit):
    SegmentFolder.create(f"segments://{tmp_path}", space())
    (path,) = tmp_path.glob("*.zip")
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\1\2") + at] ^= bit
    path.write_bytes(data)
    with pytest.raises(errors.StorageError, match="it is cut off or damaged"):
        SegmentFolder(f"segments://{tmp_path}")


def first_file(path):
    """Of the first entry of a segment."""
    with zipfile.ZipFile(path) as archive:
        entries = json.loads(archive.read("segment.json"))["entries"]
    return entries[0]["file"]["path"] if entries else ""


def test_nothing_is_deleted_because_a_segment_is_missing(store, segments, tmp_path):
    import_into(tmp_path)
    lose(segments[1])
    with pytest.raises(errors.StorageError, match=r"nothing is deleted while parts of segments://.* cannot be read"):
        import_into(tmp_path, delete=True)
    with Store(tmp_path / "copy") as copy:
        assert names(copy) == names(store)


def test_what_is_being_carried_does_not_count(segments, tmp_path):
    half = segments[-1].with_name(f".{segments[-1].name}.Xq31z")  # as rsync writes
    half.write_bytes(segments[-1].read_bytes()[:100])
    (tmp_path / "segments" / "notes.txt").write_text("of somebody")
    assert import_into(tmp_path).refused == ()


def test_left_overs_of_a_process_that_died_are_taken_away(store, tmp_path):
    (tmp_path / "segments").mkdir()
    left = tmp_path / "segments" / ".segment-00000001.999999999.tmp"
    left.write_bytes(b"half")
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    assert not left.exists()


def test_segments_of_two_models_do_not_go_together(store, segments, tmp_path):
    other = f"segments://{tmp_path}/other"
    with SegmentFolder.create(other, replace(space(), fingerprint="another")):
        (foreign,) = (tmp_path / "other").glob("*.zip")
    shutil.copy(foreign, tmp_path / "segments" / foreign.name.replace("00000001", "00000099"))
    refused = import_into(tmp_path).refused
    assert any("vectors are of hashing" in why for _, why in refused)


def test_a_later_format_says_what_to_do(tmp_path, store):
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    for path in (tmp_path / "segments").glob("*.zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("segment.json", json.dumps({"format": 2}))
    with pytest.raises(errors.StorageError, match="it has format 2, this pagesight reads 1; upgrade pagesight"):
        import_into(tmp_path)


def test_names_that_are_no_text_survive(store, tmp_path):
    odd = SourceFile(
        root=Path("/docs"), path="b\\xffd.pdf", location=Path(os.fsdecode(b"/docs/b\xffd.pdf")), n_bytes=1, mtime_ns=1
    )
    with store.writer() as writing:
        writing.record_failure(odd, "failed", "damaged", drop=True)
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    import_into(tmp_path)
    with Store(tmp_path / "copy") as copy, copy.view() as view:
        assert b"/docs/b\xffd.pdf" in view.known_failures()
    assert plan_copy(f"segments://{tmp_path}/segments", tmp_path / "copy").n_names == 0


def test_there_is_one_writer_of_segments(segments, tmp_path):
    with SegmentFolder(f"segments://{tmp_path}/segments").writer(), pytest.raises(errors.StoreLocked):
        copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
