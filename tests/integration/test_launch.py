"""What a worker imports, and from where, whatever lies about."""

import os
import subprocess
import sys
import textwrap

import pytest

from tests.helpers import ROOT, make_pdf

pytestmark = pytest.mark.thorough

TRAPS = (
    "numpy.py",
    "PIL/__init__.py",
    "json.py",
    "pymupdf.py",
    "storage/__init__.py",
    "engine.py",
    "pagesight/__init__.py",
)
TRAPS += ("pagesight/indexer/__init__.py", "sitecustomize.py", "usercustomize.py", "olefile.py", "cv2.py", "psutil.py")


def set_traps(folder, marker):
    """Modules that say so when they are imported. Each has metadata beside it, as if it had been installed."""
    for name in TRAPS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(marker)!r}, 'a').write(__file__ + chr(10))\nraise ImportError(__file__)\n")
        (folder / f"{path.stem}-1.0.dist-info").mkdir(exist_ok=True)
        (folder / f"{path.stem}-1.0.dist-info" / "METADATA").write_text(f"Name: {path.stem}\nVersion: 1.0\n")


def run(code, *, cwd, **environment):
    """Run code with our package from this checkout only, and no traps in its own path unless it sets them."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=120,
    )


INDEX = """
import os, sys
sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd(), os.environ.get("TRAPS"))]
from pagesight import IndexConfig, SearchEngine
import numpy, PIL, pymupdf, psutil
sys.path.insert(0, os.environ["TRAPS"])  # as it is for a program in that folder
os.environ["PYTHONPATH"] = os.environ["TRAPS"]
os.chdir(os.environ["TRAPS"])
with SearchEngine.open(os.environ["INDEX"], model="hashing") as engine:
    found = engine.index([os.environ["DOCS"]], IndexConfig(n_processes=1))
    for outcome in getattr(found, "outcomes", found):
        print(outcome.status, outcome.reason)
    list(engine.pictures(engine.search("words", k=1)))
"""


@pytest.mark.parametrize("beside_documents", [True, False], ids=["beside documents", "elsewhere"])
def test_nothing_that_lies_about_is_imported(tmp_path, beside_documents):
    make_pdf(tmp_path / "docs" / "a.pdf", ["words in a document"])
    traps = tmp_path / "docs" if beside_documents else tmp_path / "traps"
    set_traps(traps, tmp_path / "ran")
    places = {"TRAPS": str(traps), "DOCS": str(tmp_path / "docs"), "INDEX": str(tmp_path / "index")}
    result = run(INDEX, cwd=ROOT, **places)
    assert result.stdout == "indexed \n", result.stderr
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_the_command_in_a_folder_of_documents_imports_nothing_of_it(tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["words in a document"])
    set_traps(tmp_path / "docs", tmp_path / "ran")
    (tmp_path / "bin").mkdir()
    # As pip makes it.
    (tmp_path / "bin" / "pagesight").write_text("from pagesight.engine.cli.main import main\nmain()\n")
    command = [sys.executable, tmp_path / "bin" / "pagesight", "--index", tmp_path / "index", "index", "."]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [*command, "--model", "hashing"],
        cwd=tmp_path / "docs",
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_a_program_with_our_names_beside_it_indexes_and_searches(tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["words in a document"])
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "engine.py").write_text("mine = True\n")
    for name in ("storage", "indexer"):
        (tmp_path / "app" / name).mkdir()
        (tmp_path / "app" / name / "__init__.py").write_text("mine = True\n")
    code = f"""
        import pathlib, sys
        sys.path[:0] = [{str(tmp_path / "app")!r}, pathlib.Path("odd"), "no \\udcff text"]
        import engine, storage, indexer
        from pagesight import IndexConfig, SearchEngine
        with SearchEngine.open({str(tmp_path / "index")!r}, model="hashing") as search:
            found = search.index([{str(tmp_path / "docs")!r}], IndexConfig(n_processes=1))
            for outcome in getattr(found, "outcomes", found):
                assert outcome.status == "indexed", outcome
            (hit,) = search.search("words")
            print(hit.name, engine.mine, storage.mine, indexer.mine)
    """
    result = run(code, cwd=tmp_path)
    assert result.stdout == "a.pdf:1 True True True\n", result.stderr


# A worker that says what it sees. It can be imported only where a package is installed on purpose.
PROBE = """
import sys
def main():
    import pagesight, numpy
    sys.stdout.write(pagesight.__file__ + " " + numpy.__file__)
"""
START = """
import os, sys
os.chdir("/")
from pagesight.indexer.launch import start_worker
worker = start_worker("probe")
print(worker.communicate()[0].decode(), worker.returncode)
"""


def target_folder(tmp_path, *, installed):
    """What pip install --target makes: our package, its metadata and another package, found by PYTHONPATH."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "pagesight").symlink_to(ROOT / "src" / "pagesight")
    (target / "probe.py").write_text(PROBE)
    if installed:
        (target / "pagesight-0.1.0.dist-info").mkdir()
    return target


def test_packages_beside_an_installed_pagesight_are_found(tmp_path):
    target = target_folder(tmp_path, installed=True)
    result = run(START, cwd=tmp_path, PYTHONPATH=str(target))
    package, numpy, code = result.stdout.split()
    assert package == str(target / "pagesight" / "__init__.py"), "not the other one that is installed"
    assert "site-packages" in numpy
    assert code == "0"


def test_a_folder_where_it_merely_lies_is_not_searched(tmp_path):
    result = run(START, cwd=tmp_path, PYTHONPATH=str(target_folder(tmp_path, installed=False)))
    assert "No module named 'probe'" in result.stderr


def test_the_user_site_is_searched_where_this_process_searches_it(tmp_path):
    for base, expected in ((tmp_path / "user", "0"), (tmp_path / "none", "1")):
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        user = tmp_path / "user" / "lib" / python / "site-packages"
        user.mkdir(parents=True, exist_ok=True)
        (user / "probe.py").write_text(PROBE)
        code = f"""
            import site, sys
            user = {str(base / "lib" / python / "site-packages")!r}
            site.ENABLE_USER_SITE, site.USER_SITE = True, user  # a venv has none
            sys.path.insert(4, user)
            from pagesight.indexer.launch import start_worker
            worker = start_worker("probe")
            worker.communicate()
            print(worker.returncode)
        """
        assert run(code, cwd=tmp_path).stdout.strip() == expected


def test_the_order_of_folders_is_kept(tmp_path):
    """A package that is installed twice is the same one in both processes: the one that comes first."""
    target = target_folder(tmp_path, installed=True)
    (target / "numpy.py").write_text("")
    package, numpy, _ = run(START, cwd=tmp_path, PYTHONPATH=str(target)).stdout.split() or ("", "", "")
    assert numpy == str(target / "numpy.py")
    assert package


@pytest.mark.parametrize("variable", ["PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONWARNINGS"])
def test_variables_of_python_do_not_reach_a_worker(tmp_path, variable):
    target = target_folder(tmp_path, installed=True)
    code = f"import os; os.environ[{variable!r}] = 'error'\n" + START
    assert run(code, cwd=tmp_path, PYTHONPATH=str(target)).stdout.split()[-1] == "0"
