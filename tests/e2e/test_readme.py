"""What README shows is what happens."""

import re
import shutil
import subprocess
import sys

import pytest
from click import Context

from pagesight.engine.cli.main import cli
from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = ("engine", "indexer", "storage")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def scratch(tmp_path, sample_index):
    """A folder with the sample documents in it, indexed, as if the blocks before had been run."""
    (tmp_path / "sample_docs").symlink_to(ROOT / "sample_docs")
    for name in (".pagesight", "my-index"):
        shutil.copytree(sample_index, tmp_path / name)
    return tmp_path


def run(arguments, folder, path):
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "PAGESIGHT_CACHE": cache_of_tests()}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def cache_of_tests():
    from pagesight.engine.models.files.cache import cache_folder

    return str(cache_folder())


def test_the_shell_commands_do_what_they_say(scratch):
    commands = next(text for kind, text in BLOCKS if kind == "sh")  # the others: test_readme_evaluation.py
    program = scratch / "bin" / "pagesight"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pagesight "$@"\n')
    program.chmod(0o755)
    for command in commands.splitlines():
        result = run(["sh", "-c", command], scratch, f"{program.parent}:/usr/bin:/bin")
        assert result.returncode == 0, (command, result.stderr)
        if " search " in command and "images" not in command:
            assert result.stdout
    assert (scratch / "page.png").exists()
    assert list((scratch / "pages").glob("*.png"))


def test_the_python_code_prints_what_stands_below_it(scratch):
    (code,) = (text for kind, text in BLOCKS if kind == "python")
    (expected,) = (text for kind, text in BLOCKS if kind == "text")
    result = run([sys.executable, "-c", code], scratch, "/usr/bin:/bin")
    assert result.returncode == 0, result.stderr
    assert result.stdout == expected


def test_every_command_and_every_target_of_make_is_named():
    commands = cli.list_commands(Context(cli))
    assert {"index", "mine", "search"} <= set(commands)
    assert [command for command in commands if not re.search(rf"`(pagesight )?{command}\b", README)] == []
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test", "check"} <= set(targets)
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= set(targets)


def test_commands_that_take_an_address_of_a_database_are_commands():
    table = (ROOT / "docs" / "postgres.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| (.*) \| as with a folder \|$", table, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) <= set(cli.list_commands(Context(cli)))


def test_every_variable_of_the_environment_is_named():
    text = README + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    code = "".join(path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    known = set(re.findall(r"\bPAGESIGHT_[A-Z_]+\b", code))
    assert "PAGESIGHT_INDEX" in known
    assert known <= set(re.findall(r"\bPAGESIGHT_[A-Z_]+\b", text))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(path):
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^):]+))?\)", path.read_text(encoding="utf-8")):
        file = path.parent / target if target else path
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, heading
