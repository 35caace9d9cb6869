"""What a state remembers of questions."""

import random
import sys

import numpy as np

from pagesight.storage import state as states
from pagesight.storage.remembered import ENTRY_BYTES, Remembered
from pagesight.storage.store import Store
from tests.helpers import add_document, space


def test_what_was_used_longest_ago_goes_first():
    each = ENTRY_BYTES + sys.getsizeof("a") + 10
    remembered = Remembered(3 * each, len)
    for name in "abc":
        remembered.put(name, b"0123456789")
    assert remembered.get("a") == b"0123456789"
    remembered.put("d", b"0123456789")
    assert [name for name in "abcd" if remembered.get(name) is None] == ["b"]
    remembered.put("e", bytes(10 + 2 * each))
    assert [name for name in "abcde" if remembered.get(name) is not None] == ["e"]


def test_it_never_takes_more_than_it_may():
    rng, remembered = random.Random(1), Remembered(20_000, len)
    for _ in range(3_000):
        remembered.put(str(rng.randrange(60)), bytes(rng.randrange(2_000)))
        held = sum(ENTRY_BYTES + sys.getsizeof(name) + len(value) for name, value in remembered._values.items())
        assert held == remembered._used <= 20_000
    remembered.put("more than all", bytes(30_000))
    assert remembered.get("more than all") is None
    assert remembered._used == 0


def test_terms_that_no_page_has_are_forgotten_too(tmp_path, monkeypatch):
    monkeypatch.setattr(states, "COUNT_BYTES", 100_000)
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["apple apple pear"])
        with store.view() as view:
            for number in range(1_000):
                assert len(view.word_counts([f"none{number}"])[f"none{number}"][0]) == 0
                pages, counts = view.word_counts(["apple"])["apple"]
                assert (pages.tolist(), counts.tolist()) == ([1], [2])
            known = view._state._word_counts
            assert 100 < len(known._values) < 400
            assert known.get("apple")[0] is pages  # it was asked for last


def test_the_pages_of_large_filters_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(states, "FILTER_BYTES", 1_000_000)
    with Store.create(tmp_path, space()) as store, store.view() as view:
        for number in range(50):
            view._state.allowed(f"page = {number}", lambda: np.arange(10_000))
        assert len(view._state._filtered._values) == 12
