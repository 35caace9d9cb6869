"""Imports point one way, engine -> indexer -> storage, and heavy ones happen where they are used."""

import ast
import subprocess
import sys

import pytest

from tests.helpers import ROOT

ALLOWED = {"storage": {"storage"}, "indexer": {"storage", "indexer"}, "engine": {"storage", "indexer", "engine"}}
HEAVY = {
    "torch",
    "transformers",
    "peft",
    "faiss",
    "pymupdf",
    "fitz",
    "onnxruntime",
    "onnx",
    "sqlalchemy",
    "rapidocr",
    "cv2",
    "PIL",
    "numpy",
}


def modules():
    return [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        top = name.split(".")[0]
        assert top not in ALLOWED or top in ALLOWED[package], f"{path} imports {name}"


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import engine; engine.__version__", HEAVY),
        ("import indexer.worker", HEAVY - {"numpy"}),
        ("import storage.errors, storage.values, storage.manifest", HEAVY - {"numpy"}),
        (
            "from engine import SearchEngine",
            {"torch", "transformers", "faiss", "pymupdf", "onnxruntime", "onnx", "rapidocr", "cv2", "PIL"},
        ),
        (
            "import sys; sys.argv = ['pagesight', '--help']; import engine.cli.main as m\ntry: m.main()\nexcept SystemExit: pass",
            HEAVY,
        ),
    ],
    ids=["engine", "worker", "storage", "SearchEngine", "help"],
)
def test_heavy_packages_are_imported_where_they_are_used(code, forbidden):
    probe = f"import sys\n{code}\nprint('IMPORTED', sorted({{m.split('.')[0] for m in sys.modules}} & {forbidden!r}))"
    result = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "IMPORTED []"


def test_unknown_names_of_the_package_are_attribute_errors():
    import engine

    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        engine.Nonsense  # noqa: B018
    assert all(getattr(engine, name) for name in engine.__all__)
