"""Finding files that are odd, or that change meanwhile."""

import os

from pagesight.indexer.running.discover import discover
from pagesight.indexer.running.plan import check_untouched, file_date


def test_a_time_of_any_year_can_be_kept(tmp_path):
    for name, second in (("late.pdf", 10_413_792_000), ("later.pdf", 300_000_000_000), ("early.pdf", -20_000_000_000)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (second, second))
    found = {source.path: source for source in discover([tmp_path])}
    assert len(found) == 3
    for source in found.values():
        assert -(2**63) <= source.mtime_ns < 2**63
        check_untouched(source)
        assert len(file_date(source)) == len("2262-04-11")
