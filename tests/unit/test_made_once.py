"""What takes long to make, made once and kept, whatever else lies where it is kept."""

import pytest

from pagesight.storage.cache_folder import CACHE_VARIABLE
from pagesight.storage.made_once import made_once


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path / "models"


def make(folder):
    (folder / "numbers").write_text("1 2 3")


def test_it_is_made_once_and_again_where_it_is_damaged(kept):
    folder = made_once("a", {}, make)
    assert made_once("a", {}, lambda _: pytest.fail("it is there")) == folder
    (folder / "numbers").write_text("1 2")
    assert made_once("a", {}, make) == folder
    assert (folder / "numbers").read_text() == "1 2 3"
    assert list(kept.iterdir()) == [folder]


def test_it_is_not_kept_where_something_cannot_be_taken_away(kept):
    """As the folder of another user; nothing is left behind each time."""
    folder = made_once("a", {}, make)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("no folder, which is not taken for one")
    assert made_once("a", {}, make) is None
    assert list(kept.iterdir()) == [folder]


def test_a_folder_that_got_its_name_meanwhile_is_no_hindrance(kept):
    kept.mkdir()
    (kept / ".a-gone").symlink_to("nowhere")  # listed, and not there when it is looked at
    assert made_once("a", {}, make) is not None
