"""Starting processes of our own, the one way for all of them, and ending them with what they started.

A worker reads what strangers made, or runs beside it, so nothing that merely lies about is ever imported by it: not from the
working folder, not from PYTHONPATH, not from beside the documents. Python's isolated mode (``-I``) sees to that. Our package is
loaded from exactly where this process has it, whatever else is installed. Two folders that the isolated mode would miss are
added, in their place among the others: the user's own site-packages (``pip install --user``), and the one that our package was
installed into (``pip install --target``).
"""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pagesight.storage import errors

_PACKAGE = Path(os.path.abspath(errors.__file__)).parents[1]  # found before anybody changes the working folder
_BOOT = """
import importlib, importlib.util, json, sys
package, module, order, added = json.loads(sys.argv[1])
mine = [*sys.path, *added]
sys.path[:] = [path for path in order if path in mine] + [path for path in mine if path not in order]
spec = importlib.util.spec_from_file_location("pagesight", package + "/__init__.py", submodule_search_locations=[package])
sys.modules["pagesight"] = loaded = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loaded)
del sys.argv[1:]
importlib.import_module(module).main()
"""


def start_worker(
    module: str, environment: Mapping[str, str] | None = None, *, quiet: bool = False
) -> subprocess.Popen[bytes]:
    """Run ``main()`` of one of our modules in a process of its own, with pipes to and from it.

    environment: set for it in addition. quiet: what it writes to stderr is dropped.
    """
    order = [
        path for path in sys.path if isinstance(path, str)
    ]  # programs put other things there, which Python ignores
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _BOOT, json.dumps([str(_PACKAGE), module, order, _added()])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        env={**os.environ, **(environment or {})},
    )


def _added() -> list[str]:
    """Folders of this process's path that packages were installed into on purpose, and that ``-I`` leaves out."""
    home = _PACKAGE.parent
    installed = [str(home)] if any(home.glob("pagesight-*.dist-info")) else []
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [path for path in (*installed, *user) if path in sys.path]


def kill_with_children(pid: int) -> None:
    """End a process and all that it started, such as the program tesseract."""
    import psutil

    kill_children(pid)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()


def kill_children(pid: int) -> None:
    """End all that a process started."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        for one in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                one.kill()
