"""The library speaks to every program: its errors name no flag and no command of ours. Those are the command line's to add."""

import ast
import re

import pytest

from pagesight.engine.cli.hints import HINTS, hint
from pagesight.storage import errors
from tests.helpers import ROOT

OF_THE_COMMAND_LINE = re.compile(
    r"(?<!-)--[a-z][a-z-]+|pagesight (--|index|search|models|doctor|list|optimize|failures)"
)
ALLOWED = re.compile(r"pip install --force-reinstall --no-deps")
LIBRARY = [
    path
    for folder in ("engine", "indexer", "storage")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "cli" not in path.parts
]


def texts(tree):
    """Strings that are no docstrings."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_message_of_the_library_names_a_flag_or_a_command(path):
    for text in texts(ast.parse(path.read_text(encoding="utf-8"))):
        if found := OF_THE_COMMAND_LINE.search(ALLOWED.sub("", text)):
            # argument lists of other programs: tesseract, git
            assert text == found[0], f"{path}: {text!r}"


def test_a_hint_is_that_of_the_nearest_class():
    assert hint(errors.EmptyQuery("?")) == ""
    assert "pagesight list" in hint(errors.UnknownHit("there is no page"))
    assert all(issubclass(kind, errors.SearchEngineError) for kind in HINTS)
