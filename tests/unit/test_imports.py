"""Imports point one way, engine -> indexer -> storage, never in a circle, and heavy ones happen where they are used."""

import ast
import subprocess
import sys
from functools import cache

import pytest

from tests.helpers import ROOT

PACKAGES = ("engine", "indexer", "storage")
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
    "fastapi",
    "uvicorn",
    "mcp",
}


@cache
def modules():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def module_name(path):
    """pagesight.engine.api for engine/api.py; a package goes by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("pagesight", *(parts[:-1] if parts[-1] == "__init__" else parts)))


@cache
def module_names():
    return {module_name(path) for path in modules()}


@cache
def imported(path):
    """Modules that a module imports anywhere, also inside functions and for type checkers."""
    return tuple(_imported(path))


def _imported(path):
    known = module_names()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else str(node.module)


def circles(arrows):
    """Groups of modules that reach each other (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in arrows.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1 or node in arrows.get(node, ()):
                found.append(sorted(group))

    for node in arrows:
        if node not in index:
            visit(node)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        first, _, rest = name.partition(".")
        assert first not in PACKAGES, f"{path} imports {name}, which has been pagesight.{name} since it has one name"
        if first == "pagesight":
            assert rest.split(".")[0] in ALLOWED[package], f"{path} imports {name}"


def test_no_modules_and_no_rooms_import_each_other_in_circles():
    arrows = {
        module_name(path): {name for name in imported(path) if name.startswith("pagesight.")} for path in modules()
    }
    assert circles(arrows) == []
    homes = {module_name(path): ".".join(("pagesight", *path.relative_to(ROOT).parts[:-1])) for path in modules()}
    rooms: dict[str, set[str]] = {}
    for module, targets in arrows.items():
        inner = {homes[target] for target in targets if target in homes} - {homes[module]}
        # A folder's own files stand above its rooms: api.py uses models/, and models/ uses encoder.py beside api.py.
        rooms.setdefault(homes[module], set()).update(room for room in inner if not homes[module].startswith(room))
    rooms = {room: {t for t in targets if not t.startswith(room)} for room, targets in rooms.items()}
    assert circles(rooms) == []


def test_what_indexing_needs_of_an_index_is_declared_by_it():
    """The indexer knows the store's values and errors, the place for copies, what is made once, what forks are told to, and the rest by protocols of its own."""
    for path in (ROOT / "indexer").rglob("*.py"):
        used = {name for name in imported(path) if name.startswith("pagesight.storage")}
        modules = {".".join(name.split(".")[:3]) for name in used} - {"pagesight.storage"}
        known = ("cache_folder", "errors", "forking", "made_once", "names", "values")
        assert modules <= {f"pagesight.storage.{name}" for name in known}, path


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.thorough
@pytest.mark.parametrize("folder", ["tests", "benchmarks", "src"])
def test_nothing_imports_the_names_from_before(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for name in imported(path):
            assert name.split(".")[0] not in PACKAGES, f"{path} imports {name}"


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import pagesight; pagesight.__version__, dir(pagesight)", HEAVY),
        ("import pagesight.errors", HEAVY),
        ("import pagesight.indexer.reading.worker", HEAVY - {"numpy"}),
        (
            "import pagesight.storage.errors, pagesight.storage.values, pagesight.storage.manifest",
            HEAVY - {"numpy"},
        ),
        (
            "from pagesight import SearchEngine",
            {"torch", "transformers", "faiss", "pymupdf", "onnxruntime", "onnx", "rapidocr", "cv2", "PIL"},
        ),
        (
            "import sys; sys.argv = ['pagesight', '--help']\ntry: import pagesight.__main__\nexcept SystemExit: pass",
            HEAVY,
        ),
        ("import pagesight.engine.api, pagesight.storage.store", HEAVY - {"numpy"}),
    ],
    ids=["pagesight", "errors", "worker", "storage", "SearchEngine", "help", "searching"],
)
def test_heavy_packages_are_imported_where_they_are_used(code, forbidden):
    probe = f"import sys\n{code}\nprint('IMPORTED', sorted({{m.split('.')[0] for m in sys.modules}} & {forbidden!r}))"
    result = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "IMPORTED []"


def test_unknown_names_of_the_package_are_attribute_errors():
    import pagesight

    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        pagesight.Nonsense  # noqa: B018
    assert all(getattr(pagesight, name) for name in pagesight.__all__)
    assert set(pagesight.__all__) <= set(dir(pagesight))
