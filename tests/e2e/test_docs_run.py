"""What docs/ shows is what happens: blocks of Python and shell with the text that stands below them."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.e2e.test_readme import cache_of_tests
from tests.helpers import ROOT

pytestmark = pytest.mark.thorough

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = {
    "langchain": "langchain_core",
    "llamaindex": "llama_index",
    "haystack": "haystack",
    "mcp": "mcp",
    "qdrant": "qdrant_edge",
}


def shown(name):
    """(language, code, output) of blocks with output below them."""
    blocks = BLOCK.findall((ROOT / "docs" / name).read_text(encoding="utf-8"))
    pairs = zip(blocks, blocks[1:], strict=False)
    return [(kind, code, text) for (kind, code), (next_kind, text) in pairs if next_kind == "text"]


PYTHON = [
    (f"{name} {i}", code, text)
    for name in ("adapters.md", "agents.md", "moving.md", "qdrant.md")
    for i, (kind, code, text) in enumerate(shown(name))
    if kind == "python"
]


@pytest.fixture
def scratch(tmp_path, sample_index):
    """A folder with an index of the sample documents, and ``pagesight`` on the path."""
    (tmp_path / "sample_docs").symlink_to(ROOT / "sample_docs")
    shutil.copytree(sample_index, tmp_path / "my-index")
    program = tmp_path / "bin" / "pagesight"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pagesight "$@"\n')
    program.chmod(0o755)
    return tmp_path


def environment(folder):
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT / "src"),
        "PAGESIGHT_CACHE": cache_of_tests(),
        "HAYSTACK_TELEMETRY_ENABLED": "False",
    }


@pytest.mark.slow
@pytest.mark.parametrize(("code", "expected"), [p[1:] for p in PYTHON], ids=[p[0] for p in PYTHON])
def test_python_prints_what_stands_below_it(scratch, code, expected):
    for word, package in NEEDED.items():
        if f"adapters.{word}" in code or f"from {word} import" in code or f"storage.{word} import" in code:
            pytest.importorskip(package, reason=f"needs the extra [{word}]")
    command = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(
        command, cwd=scratch, env=environment(scratch), capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == expected


def test_a_backup_is_made_and_read(scratch):
    ((_, code, expected),) = [found for found in shown("deployment.md") if "pagesight export" in found[1]]
    result = subprocess.run(
        ["sh", "-ec", code], cwd=scratch, env=environment(scratch), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr

    def without_size(text):
        return re.sub(r"[\d.]+ MB", "MB", text)

    assert without_size(result.stdout) == without_size(expected)


@pytest.mark.slow
def test_an_index_is_carried_in_segments(scratch):
    ((_, code, expected),) = [found for found in shown("moving.md") if found[0] == "sh"]
    result = subprocess.run(
        ["sh", "-ec", code], cwd=scratch, env=environment(scratch), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr

    def without_sizes(text):
        return re.sub(r"[\d.]+ (s|min|MB|GB|TB)\b", r"\1", text)

    assert without_sizes(result.stdout) == without_sizes(expected)


@pytest.mark.slow
def test_a_folder_is_watched(scratch):
    pytest.importorskip("watchfiles", reason="needs the extra [watch]")
    (kind, command, expected), *_ = shown("watch.md")
    assert kind == "sh"
    (scratch / "inbox").mkdir()
    (scratch / "inbox" / "invoice.txt").write_text("an invoice")
    arguments = [*command.split(), "--index", "new-index", "--model", "hashing", "--text"]
    process = subprocess.Popen(
        arguments, cwd=scratch, env=environment(scratch), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lines = [process.stderr.readline() for _ in expected.splitlines()]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert "".join(lines) == expected.replace("/home/me", str(scratch))
    assert process.returncode == 0


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_lead_to_files(name):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "docs" / name).read_text(encoding="utf-8")):
        assert (ROOT / "docs" / target).exists(), target
