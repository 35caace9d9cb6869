"""What every benchmark says of itself: machine, versions, commit."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def circumstances() -> dict[str, Any]:
    """Where and with what the figures were measured."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "faiss-cpu", "onnxruntime", "pymupdf", "rapidocr")},
    }


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def commit() -> str:
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return result.stdout.strip()


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Store a result where the README's figures are drawn from, and print it as one line."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**circumstances(), **result}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({"benchmark": name, "commit": commit(), **result}, ensure_ascii=False))
    return path
