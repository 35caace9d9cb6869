"""What a run says of the time it still takes, on made-up runs of which the time is known."""

from itertools import pairwise
from pathlib import Path

import pytest

from pagesight.engine.time_left import FEWEST_PAGES, RunClock

PLAIN_S, OCR_S, BATCH = 0.4, 5.0, 8


def run(files):
    """What is said after each file, and what was true then. files: (name, bytes, whether each page is read from its pixels)."""
    clock, now, said = RunClock({Path(name): n_bytes for name, n_bytes, _ in files}, 100.0), 100.0, []
    for name, n_bytes, pages in files:
        for first in range(0, len(pages), BATCH):  # pages come out of the encoder together
            batch = pages[first : first + BATCH]
            now += sum(OCR_S if by_ocr else PLAIN_S for by_ocr in batch)
            for i, by_ocr in enumerate(batch, start=first + 1):
                clock.page_done(Path(name), i, len(pages), by_ocr=by_ocr, now=now)
        clock.file_done(Path(name), n_bytes, len(pages), now=now)
        said.append((now, clock.left(now)))
    return [(left, now - then) for then, left in said]


def mixed(n):
    """Scans among files with a text layer, of another ending, and larger a page."""
    return [
        (f"{i}.tif", 900_000, [True] * 3) if i % 4 == 3 else (f"{i}.pdf", 400_000, [False] * (8 + i % 3))
        for i in range(n)
    ]


def test_it_is_right_about_scans_among_other_files():
    said = run(mixed(40))[6:]
    assert len(said) == 34
    for left, true in said:
        assert left is not None
        assert left.seconds == pytest.approx(true, rel=0.15, abs=1)
    halfway = said[13][0]
    n_scans = sum(name.endswith("tif") for name, _, _ in mixed(40)[20:])
    assert halfway.by_ocr == pytest.approx(n_scans * 3 * OCR_S, rel=0.15)


def test_a_run_that_turns_to_scans_is_not_taken_for_one_that_is_nearly_done():
    """By bytes alone the scans at the end, nine tenths of the time, are two thirds of the work."""
    files = [(f"{i}.pdf", 400_000, [False] * 8) for i in range(10)] + [
        (f"{i}.tif", 900_000, [True] * 3) for i in range(8)
    ]
    said = run(files)
    left, true = said[11]  # two scans are done
    assert left.seconds == pytest.approx(true, rel=0.15)
    assert left.by_ocr == pytest.approx(left.seconds, rel=1e-6)
    left, true = said[5]  # of scans nothing is known yet
    assert left.by_ocr == 0
    assert left.seconds < true


def test_it_adds_up_to_the_time_that_went_by():
    """Where all pages are alike, what is left is to what went by as the pages are."""
    said = run([(f"{i}.pdf", 1_000, [False] * 10) for i in range(30)])
    for i, (left, true) in list(enumerate(said))[4:]:
        assert left.seconds == pytest.approx(true, rel=0.01), i
        assert left.by_ocr == 0
    assert said[-1][0].seconds == 0
    assert all(before.seconds > after.seconds for (before, _), (after, _) in pairwise(said[4:]))


def test_what_was_passed_over_leaves_the_sum_at_once():
    clock = RunClock({Path(f"{i}.pdf"): 1_000 for i in range(100)}, 0.0)
    for i in range(90):
        clock.file_done(Path(f"{i}.pdf"), 1_000, 0, now=0.1)
    assert clock.left(60.0) is None
    for i in range(90, 95):
        for number in range(1, 5):
            clock.page_done(Path(f"{i}.pdf"), number, 4, by_ocr=False, now=2.0 * (i - 89))
        clock.file_done(Path(f"{i}.pdf"), 1_000, 4, now=2.0 * (i - 89))
    assert clock.left(10.0).seconds == pytest.approx(10, rel=0.05)


def test_of_the_file_that_is_read_it_knows_the_pages():
    clock = RunClock({Path("a.pdf"): 1_000}, 0.0)
    for number in range(1, 51):
        clock.page_done(Path("a.pdf"), number, 200, by_ocr=number % 2 == 0, now=number * 1.0)
    left = clock.left(50.0)
    assert left.seconds == pytest.approx(150, rel=0.05)
    assert 0 < left.by_ocr < left.seconds


def test_nothing_is_said_before_anything_is_known():
    clock = RunClock({Path("a.pdf"): 1_000}, 0.0)
    assert clock.left(1e6) is None
    for number in range(1, FEWEST_PAGES + 1):
        clock.page_done(Path("a.pdf"), number, 100, by_ocr=False, now=0.5)
    assert clock.left(1.0) is None
    assert clock.left(6.0) is not None


def test_pages_at_no_time_at_all():
    clock = RunClock({Path("a.pdf"): 0, Path("b"): 0}, 0.0)
    for number in range(1, 21):
        clock.page_done(Path("a.pdf"), number, 20, by_ocr=number > 10, now=0.0)
    clock.file_done(Path("a.pdf"), 0, 20, now=0.0)
    assert clock.left(10.0).seconds == 0
