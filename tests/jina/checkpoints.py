"""Checkpoints of jina-embeddings-v4's layout, made or changed for tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.helpers import ROOT

FIXTURE = ROOT / "tests" / "data" / "tiny-jina-v4"  # with expected outputs of the public reference code
ADAPTERS = Path("adapters") / "adapter_model.safetensors"


def changed(folder: Path, file: str | Path, change: Callable[[dict], None]) -> Path:
    """A copy of the fixture in ``folder`` with one of its tensor files changed."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(FIXTURE, folder)
    tensors = load_file(folder / file)
    change(tensors)
    save_file(tensors, folder / file)
    return folder


def reconfigured(folder: Path, file: str | Path, **values: object) -> Path:
    """A copy of the fixture with values of one of its JSON files changed; None takes a value out."""
    shutil.copytree(FIXTURE, folder)
    config = {**json.loads((folder / file).read_text()), **values}
    (folder / file).write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
    return folder
