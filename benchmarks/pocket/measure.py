"""What a model finds on the sets of drawn pages: nDCG@5 of each, as a table, kept as JSON.

    python -m benchmarks.pocket.measure WORK MODEL... [--sets NAME...] [--out FILE]

MODEL is a folder or a name; WORK/untrained shows what the layout alone finds. Each is indexed and asked by ``pagesight eval``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--sets", nargs="*")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    names = arguments.sets or sorted(path.name for path in (arguments.work / "sets").iterdir())
    rows = []
    for model in arguments.models:
        row: dict[str, object] = {"model": model}
        for name in names:
            out = arguments.work / "measured" / model.replace("/", "_").strip("_") / name
            command = [sys.executable, "-m", "pagesight", "eval", str(arguments.work / "sets" / name), "--model", model]
            command += [
                "--metrics",
                "nDCG@5,hit@1",
                "--exact-queries",
                "0",
                "--ocr",
                "off",
                "-q",
                "--json",
                "-o",
                str(out),
            ]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                sys.exit(f"{' '.join(command)}\n{ran.stderr}")
            row[name] = _score(json.loads(ran.stdout.splitlines()[-1]))
            print(model, name, row[name], flush=True)
        rows.append(row)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n")


def _score(result: dict[str, object]) -> float:
    found = [value for key, value in _leaves(result) if key.endswith(("nDCG@5", "nDCG@5.mean"))]
    return round(float(str(found[0])), 3)


def _leaves(value: object, path: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{key}" if path else str(key))]
    return [(path, value)]


if __name__ == "__main__":
    main()
