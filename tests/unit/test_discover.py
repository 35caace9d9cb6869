"""Finding files that are odd, or that change meanwhile."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pagesight.indexer.running.discover import LONG_BYTES, Unusable, discover
from pagesight.indexer.running.pipeline import missing_files
from pagesight.indexer.running.plan import IngestOptions, Planner, check_untouched, file_date
from pagesight.storage.values import KnownFailure, SourceFile


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


class Nothing:
    """An index without documents."""

    failures = ()

    def known_files(self):
        return {}

    def known_failures(self):
        made = (
            KnownFailure(os.fsencode(source.location), str(status), reason, source.n_bytes, source.mtime_ns)
            for source, status, reason in self.failures
        )
        return {failure.location: failure for failure in made}


def test_a_file_is_taken_as_it_is_when_its_turn_comes(tmp_path):
    for name, n_bytes in (("a.pdf", LONG_BYTES), ("b.pdf", 3), ("c.pdf", 4)):
        (tmp_path / name).write_bytes(bytes(n_bytes))
    found = discover([tmp_path])
    short = [next(found), next(found)]
    (tmp_path / "a.pdf").write_bytes(bytes(LONG_BYTES + 1))
    (tmp_path / "b.pdf").write_bytes(bytes(5))
    (tmp_path / "c.pdf").unlink()
    planner = Planner(Nothing(), IngestOptions())
    plans = [planner.plan(source) for source in (*short, *found)]
    assert [(plan.source.path, plan.source.n_bytes) for plan in plans] == [
        ("b.pdf", 5), ("c.pdf", 4), ("a.pdf", LONG_BYTES + 1)
    ]  # fmt: skip
    assert plans[1].outcome.reason == "cannot be opened: No such file or directory"


def known(root, *names):
    """Indexed files; " > " comes before what is attached to one."""
    locations = [root.joinpath(*name.replace(" > ", "/").split("/")) for name in names]
    return [
        SourceFile(root=root, path=name, location=location, n_bytes=1, mtime_ns=1)
        for name, location in zip(names, locations, strict=True)
    ]


def test_a_file_that_became_a_folder_is_gone_and_so_is_one_in_a_folder_that_became_a_file(tmp_path):
    (tmp_path / "a.pdf").mkdir()
    (tmp_path / "a.pdf" / "x.pdf").write_bytes(b"x")
    (tmp_path / "d.pdf").write_bytes(b"x")
    (tmp_path / "broken.pdf").symlink_to("nowhere")
    there = known(tmp_path, "a.pdf/x.pdf", "d.pdf", "d.pdf > inner.pdf", "d.pdf > inner.pdf > more.pdf", "broken.pdf")
    gone = known(tmp_path, "a.pdf", "d.pdf/a.pdf", "a.pdf > was attached.pdf", "d.pdf > unknown.pdf > more.pdf")
    assert missing_files([*there, *gone], [tmp_path]) == gone
    assert missing_files([*there, *gone], [tmp_path / "d.pdf"]) == [gone[1], gone[3]]
    assert missing_files([*there, *gone], [tmp_path / "d.p", tmp_path / "other"]) == []


def test_what_may_not_be_looked_at_is_not_gone(tmp_path, monkeypatch):
    (tmp_path / "a.pdf").touch()
    refused = {tmp_path / "closed" / "a.pdf": errno.EACCES, tmp_path / "mount" / "a.pdf": errno.ESTALE}
    real = os.lstat

    def lstat(path, **options):
        if (number := refused.get(Path(os.fsdecode(path)))) is not None:
            raise OSError(number, os.strerror(number))
        return real(path, **options)

    monkeypatch.setattr(os, "lstat", lstat)
    files = known(tmp_path, "a.pdf", "closed/a.pdf", "mount/a.pdf", "gone.pdf")
    assert [source.path for source in missing_files(files, [tmp_path])] == ["gone.pdf"]


@pytest.mark.parametrize(
    "name", ["a" * 300, "nul\0byte", "nul\0byte/below", "file/below"], ids=["long", "nul", "below nul", "below a file"]
)
def test_a_name_that_no_file_has_is_said_of_its_file(tmp_path, name):
    (tmp_path / "file").write_bytes(b"x")
    (found,) = discover([tmp_path / name])
    assert isinstance(found, Unusable)
    assert not found.skipped
    assert found.source.location == tmp_path / name


def test_what_may_not_be_looked_at_is_said_of_its_file(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    real = os.stat

    def refused(path, **options):
        if closed in Path(os.fsdecode(path)).parents:
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(os, "stat", refused)
    (found,) = discover([closed / "a.pdf"])
    assert found.reason == "cannot be looked at: Permission denied"


def test_what_is_no_document_is_told_anew_only_when_it_is_so_for_another_reason(tmp_path):
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "link.pdf").symlink_to("nowhere")
    index = Nothing()
    first = [Planner(index, IngestOptions()).plan(found).outcome for found in discover([tmp_path])]
    assert [(str(told.status), told.remembered) for told in first] == [("failed", False)] * 2
    index.failures = [(told.source, told.status, told.reason) for told in first]
    again = [Planner(index, IngestOptions(retry=True)).plan(found).outcome for found in discover([tmp_path])]
    assert again == [replace(told, remembered=True) for told in first]
    (tmp_path / "link.pdf").unlink()
    (tmp_path / "link.pdf").touch()
    os.utime(tmp_path / "empty.pdf", (1, 1))
    planner = Planner(index, IngestOptions())
    assert [planner.plan(found).outcome.remembered for found in discover([tmp_path])] == [False] * 2


def test_folders_with_links_to_each_other_are_walked_few_times(tmp_path):
    folders = [tmp_path / f"d{i}" for i in range(7)]
    for folder in folders:
        folder.mkdir()
        (folder / "a.pdf").write_bytes(b"x")
        for other in folders:
            if other != folder:
                (folder / f"to {other.name}").symlink_to(other)
    found = list(discover([tmp_path]))
    files = {item.path for item in found if not isinstance(item, Unusable)}
    assert {f"d{i}/a.pdf" for i in range(7)} < files
    assert {f"d{i}/to d{j}/a.pdf" for i in range(7) for j in range(7) if i != j} < files
    assert len(found) < 500
    reasons = {item.reason for item in found if isinstance(item, Unusable)}
    assert reasons == {"a link back to a folder that contains it", "a link to a folder that another link led to"}


def test_folders_may_be_as_deep_as_they_like(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1100):
        os.mkdir("d")
        os.chdir("d")
    Path("a.pdf").write_bytes(b"x")
    found = [item.path for item in discover([tmp_path])]
    os.unlink("a.pdf")
    for _ in range(1100):  # shutil.rmtree cannot
        os.chdir("..")
        os.rmdir("d")
    assert found == ["d/" * 1100 + "a.pdf"]
