"""The package as it is installed: what is in it, beside whose names it lives, and what type checkers make of it."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.thorough

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "*.so", "sample_docs", "results")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
UNTYPED = (
    "torch sqlalchemy PIL transformers safetensors huggingface_hub onnx tokenizers rich click psutil filelock".split()
)

PROGRAM = '''
"""What a program does with the engine, typed."""

import sys
from collections.abc import Sequence

import numpy as np

from pagesight import (
    EncodedPage, EncodedQuery, Encoder, Examination, IndexConfig, IndexSummary, Optimized, Outcome, PageContent, PageDone,
    SearchConfig, SearchEngine, SearchEngineError, SearchHit, Status, Store, StoredDocument, Totals, View, errors,
)


class Lengths:
    """An encoder of one's own: words of one length are the same word."""

    name = "lengths"
    fingerprint = "lengths-1"
    single_dim = 8
    token_dim = 8
    image_pixels: int | None = None
    reads_words = True
    opening_weight = 0.0
    trained_single = False
    pages_at_once = 4

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        return [EncodedPage(self._single(page.words.texts), self._tokens(page.words.texts), page.words.boxes) for page in pages]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        words = [tuple(text.split()) for text in texts]
        if empty := [text for text, found in zip(texts, words, strict=True) if not found]:
            raise errors.EmptyQuery(empty[0])
        return [EncodedQuery(self._single(found), self._tokens(found), found) for found in words]

    def _tokens(self, words: Sequence[str]) -> np.typing.NDArray[np.float32]:
        return np.eye(8, dtype=np.float32)[[len(word) % 8 for word in words]]

    def _single(self, words: Sequence[str]) -> np.typing.NDArray[np.float32]:
        total = self._tokens(words).sum(axis=0)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)


def show(page: PageDone) -> None:
    print(page.source.path, page.number)


def main(index: str, paths: list[str]) -> None:
    encoder: Encoder = Lengths()
    with SearchEngine.open(index, encoder=encoder) as engine:
        summary: IndexSummary = engine.index(paths, IndexConfig(n_processes=1, tags={"of": "mine"}), on_page=show)
        assert summary.counts[Status.INDEXED] == len(paths) == summary.n_pages
        outcomes: list[Outcome] = list(engine.iter_index(paths))
        assert {outcome.status for outcome in outcomes} <= {Status.UNCHANGED}
        hits: list[SearchHit] = engine.search("a bb", k=2, filters="tag.of = mine", exact=True)
        assert hits == engine.search("a bb", filters="tag.of = mine", config=SearchConfig(k=2, exact=True))
        many: list[list[SearchHit]] = engine.search_many(["a", "bb"], config=SearchConfig(k=1))
        assert len(many) == 2
        view: View
        with engine.view() as view:
            generation: int = view.generation
            assert engine.search("a", view=view, k=1) == many[0]
        store: Store = engine.store
        documents: list[StoredDocument] = engine.documents()
        totals: Totals = engine.totals()
        assert (totals.n_documents, store.space.encoder) == (len(documents), "lengths")
        removed: list[str] = engine.remove(documents[0].document)
        assert removed == [documents[0].document]
        optimized: Optimized = engine.optimize()
        examined: Examination = engine.examine()
        assert examined.healthy and optimized.bytes_after >= 0
        with engine.view() as view:
            assert view.generation > generation
        try:
            engine.search("")
        except errors.EmptyQuery as error:
            print("empty", repr(error.text))
    try:
        engine.totals()
    except SearchEngineError as error:
        print(type(error).__name__)
    for hit in hits:
        print(hit.name, f"{hit.score:.2f}", hit.regions[0].score)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
'''
WRONG = """
from pagesight import IndexConfig, SearchConfig, SearchEngine

with SearchEngine.open("index") as engine:
    engine.search("a", k="3")
    engine.search("a", depth=3)
    engine.index("reports", on_page=print, everything=True)
    SearchConfig(k=2.5)
    hits: list[str] = engine.search("a")
    engine.no_such_thing()
    SearchEngine.open("index", encoder=SearchConfig())
    IndexConfig(ocr="always")
"""
WRONG_LINES = {5: "arg-type", 6: "call-arg", 7: "call-arg", 8: "arg-type", 9: "assignment", 10: "attr-defined"}
WRONG_LINES |= {11: "arg-type", 12: "arg-type"}
HOST = """
import json, sys
import engine, indexer, src, storage
import pagesight
from pagesight import SearchEngine

with SearchEngine.open(sys.argv[1], model="hashing") as found:
    statuses = [outcome.status for outcome in found.index(sys.argv[2:])]
    hits = [hit.name for hit in found.search("quince", k=2)]
own = {module.__name__: module.__file__ for module in (engine, indexer, src, storage)}
print(json.dumps({"statuses": statuses, "hits": hits, "own": own, "pagesight": pagesight.__file__}))
"""


def version_of(distribution):
    return tuple(int(part) for part in re.findall(r"\d+", distribution.version)[:2])


def build(what, tree, **environment):
    """Have setuptools of this environment make a wheel or sdist of a tree; its path."""
    newest = max(importlib.metadata.distributions(name="setuptools"), key=version_of)
    assert version_of(newest) >= (80,), "building needs setuptools 80: pip install -e '.[dev]'"
    code = f"import sys; from setuptools import build_meta; build_meta.build_{what}(sys.argv[1])"
    place = {"PYTHONPATH": str(newest.locate_file("")), **environment}
    command = [sys.executable, "-W", "ignore", "-c", code, str(tree / "dist")]
    made = subprocess.run(command, cwd=tree, env={**ENVIRONMENT, **place}, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    (found,) = (tree / "dist").glob("*.whl" if what == "wheel" else "*.tar.gz")
    return found


def left_by_builds():
    """In this checkout."""
    return {*ROOT.glob("build"), *ROOT.glob("dist"), *ROOT.glob("*.egg-info"), *ROOT.glob("src/*.egg-info")}


@pytest.fixture(scope="session")
def left_before():
    return left_by_builds()


@pytest.fixture(scope="session")
def tree(tmp_path_factory, left_before):
    """A clean copy of this checkout, to build in."""
    folder = tmp_path_factory.mktemp("tree") / "pagesight"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=LEFT_OUT)
    assert (folder / "src" / "pagesight" / "engine").is_symlink()
    return folder


@pytest.fixture(scope="session")
def wheel(tree):
    return build("wheel", tree)


@pytest.fixture(scope="session")
def sdist(tree):
    return build("sdist", tree)


def new_python(folder, *paths):
    """A venv that sees the packages of this one, behind its own, and these paths; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    installed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "dependencies.pth").write_text("".join(f"{path}\n" for path in [*paths, *installed]))
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def python(wheel, tmp_path_factory):
    """The interpreter of a venv that the wheel is installed into."""
    found = new_python(tmp_path_factory.mktemp("installed") / "venv")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", found]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], env=ENVIRONMENT, check=True)
    return found


@pytest.fixture(scope="session")
def editable(tree, tmp_path_factory):
    """The interpreter of a venv with the tree on its path, as ``pip install --editable`` puts it there."""
    return new_python(tmp_path_factory.mktemp("editable") / "venv", tree / "src")


def run(python, *arguments, cwd):
    done = subprocess.run(
        [python, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python_files():
    package = ROOT / "src" / "pagesight"
    folders = [package, *(package / name for name in ("engine", "indexer", "storage"))]
    found = {
        path for folder in folders for path in (folder.rglob("*.py") if folder != package else folder.glob("*.py"))
    }
    return {str(path.relative_to(package.parent)) for path in found}


def contents(path):
    """Names of files in a wheel."""
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_package_and_puts_nothing_else_among_the_installed(wheel):
    names = contents(wheel)
    (metadata,) = {name.split("/")[0] for name in names} - {"pagesight"}
    assert re.fullmatch(r"pagesight-[\d.]+\.dist-info", metadata)
    modules = {name for name in names if name.endswith(".py")}
    assert modules == python_files()
    assert "pagesight/py.typed" in names
    folders = {folder: ROOT / folder for folder in ("storage/scoring", "engine/regions")}
    sources = {f"pagesight/{name}/{path.name}" for name, folder in folders.items() for path in folder.glob("_*.[ch]")}
    sources |= {"pagesight/storage/scoring/_maxsim.pyi", "pagesight/engine/regions/_regions.pyi"}
    assert sources <= names
    compiled = {name for name in names if name.endswith(".so")}
    assert len(compiled) == (2 if shutil.which("cc") else 0)
    metadata_files = {name for name in names if name.startswith(metadata)}
    page = {f"pagesight/engine/server/static/{path.name}" for path in (ROOT / "engine/server/static").iterdir()}
    data = {
        "pagesight/indexer/reading/letters.npz",
        "pagesight/engine/ranking/multilingual-e5-small.json",
        "pagesight/engine/models/pocket/pocket.safetensors",
        "pagesight/indexer/sight/head.npz",
    }
    assert names == modules | {"pagesight/py.typed"} | data | sources | page | compiled | metadata_files


def test_building_leaves_the_checkout_as_it_was(left_before, wheel, sdist):
    assert left_by_builds() == left_before


def test_the_sdist_has_what_the_wheel_needs(sdist, wheel):
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert all(member.isfile() or member.isdir() for member in members), "links do not survive everywhere"
    top = members[0].name.split("/")[0]
    names = {member.name.removeprefix(f"{top}/") for member in members}
    wanted = {name for name in contents(wheel) if name.startswith("pagesight/") and not name.endswith(".so")}
    assert {f"src/{name}" for name in wanted} <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "storage/scoring/_maxsim.h", "engine/regions/_regions.h"} <= names


def test_a_wheel_from_the_sdist_without_a_compiler_is_the_same_but_for_the_extensions(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    again = build("wheel", unpacked, CC="false")
    plain = {re.sub(r"^pagesight-[^/]*", "metadata", name) for name in contents(again)}
    assert plain == {re.sub(r"^pagesight-[^/]*", "metadata", n) for n in contents(wheel) if not n.endswith(".so")}


@pytest.mark.slow
def test_a_wheel_from_the_sdist_is_the_same(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    again = build("wheel", unpacked)
    assert again.name == wheel.name
    assert contents(again) == contents(wheel)


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("apple pear\n")
    (folder / "b.txt").write_text("quince medlar\n")
    return [folder / "a.txt", folder / "b.txt"]


def test_a_program_with_our_folders_names_beside_it_embeds_the_engine(python, documents, tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "engine.py").write_text("mine = True\n")
    for name in ("storage", "indexer", "src"):
        (app / name).mkdir()
        (app / name / "__init__.py").write_text("mine = True\n")
    (app / "main.py").write_text(HOST)
    found = json.loads(run(python, app / "main.py", tmp_path / "index", *documents, cwd=app))
    assert found["statuses"] == ["indexed", "indexed"]
    assert found["hits"][0] == "b.txt:1"
    assert {Path(path).is_relative_to(app) for path in found["own"].values()} == {True}
    assert Path(found["pagesight"]).is_relative_to(python.parents[1])


def test_the_installed_command_and_module_work(python, documents, tmp_path):
    index = tmp_path / "index"
    command = python.with_name("pagesight")
    run(command, "--index", index, "index", "--model", "hashing", *documents, cwd=tmp_path)
    hit = json.loads(run(command, "--index", index, "search", "quince", "-k", "1", "--json", cwd=tmp_path))
    assert (hit["document"], hit["page"]) == ("b.txt", 1)
    assert "Usage: python -m pagesight" in run(python, "-m", "pagesight", "--help", cwd=tmp_path)


def test_a_typed_program_with_its_own_encoder_runs(python, documents, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    lines = run(python, tmp_path / "program.py", tmp_path / "index", *documents, cwd=tmp_path).splitlines()
    assert lines == ["a.txt 1", "b.txt 1", "empty ''", "StoreClosed", *lines[4:]]
    assert {line.split()[0] for line in lines[4:]} == {"a.txt:1", "b.txt:1"}


def errors_found(python, folder, *, whole):
    """What mypy says of both programs: {(file, line): code}. whole: follow the types of all dependencies."""
    (folder / "program.py").write_text(PROGRAM)
    (folder / "wrong.py").write_text(WRONG)
    skipped = ",".join(f"{name}.*" for name in UNTYPED)
    config = "[mypy]\nstrict = True\n"
    if not whole:
        config += f"[mypy-{skipped}]\nfollow_imports = skip\nignore_missing_imports = True\n"
    (folder / "mypy.ini").write_text(config)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        "mypy.ini",
        "--no-error-summary",
        "--python-executable",
        python,
    ]
    done = subprocess.run(
        [*command, "program.py", "wrong.py"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    found = re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    assert len(found) == done.stdout.count("error:"), done.stdout
    return {(file, int(line)): code for file, line, code in found}


def test_a_typed_program_passes_and_wrong_ones_do_not(python, tmp_path):
    """Of the installed package, without the types of the heavy dependencies, which no public signature needs."""
    found = errors_found(python, tmp_path, whole=False)
    assert found == {("wrong.py", line): code for line, code in WRONG_LINES.items()}


@pytest.mark.slow
@pytest.mark.parametrize("place", ["python", "editable"])
def test_the_same_with_the_types_of_all_dependencies(place, request, tmp_path):
    found = errors_found(request.getfixturevalue(place), tmp_path, whole=True)
    assert found == {("wrong.py", line): code for line, code in WRONG_LINES.items()}


@pytest.mark.slow
def test_an_editable_installation_has_types_and_works(editable, documents, tmp_path):
    found = errors_found(editable, tmp_path, whole=False)
    assert found == {("wrong.py", line): code for line, code in WRONG_LINES.items()}
    run(editable, tmp_path / "program.py", tmp_path / "index", *documents, cwd=tmp_path)
