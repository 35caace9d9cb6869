"""Starting processes of our own, the one way for all of them.

A worker reads what strangers made, or runs beside it, so nothing that merely lies about is ever imported by it: not from the
working folder, not from PYTHONPATH, not from beside the documents. Python's isolated mode (``-I``) sees to that. Our package is
loaded from exactly where this process has it, whatever else is installed; folders into which packages were installed and that
the isolated mode would miss (``pip install --user`` or ``--target``) come last.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pagesight.storage import errors

_BOOT = """
import importlib, importlib.util, sys
folder, module, *installed = sys.argv[1:]
spec = importlib.util.spec_from_file_location("pagesight", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["pagesight"] = package = importlib.util.module_from_spec(spec)
sys.path += [path for path in installed if path not in sys.path]
spec.loader.exec_module(package)
importlib.import_module(module).main()
"""


def start_worker(
    module: str, environment: Mapping[str, str] | None = None, *, quiet: bool = False
) -> subprocess.Popen[bytes]:
    """Run ``main()`` of one of our modules in a process of its own, with pipes to and from it.

    environment: set for it in addition. quiet: what it writes to stderr is dropped.
    """
    folder = Path(os.path.abspath(errors.__file__)).parents[1]
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _BOOT, str(folder), module, *_installed()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        env={**os.environ, **(environment or {})},
    )


def _installed() -> list[str]:
    """Folders of this process's path that packages were installed into."""
    folders = (os.path.abspath(path) for path in sys.path if path)
    return [path for path in folders if any(Path(path).glob("*.dist-info"))]
