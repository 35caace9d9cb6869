"""What README shows is what happens."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
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
    from tests.e2e.test_cli import COMMANDS

    assert all(re.search(rf"`(pagesight )?{command}\b", README) for command in COMMANDS)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test", "check"} <= set(targets)
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= set(targets)


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
