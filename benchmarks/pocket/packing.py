"""The trained checkpoint as the one file that is installed, and its SHA-256 where it is looked for.

python -m benchmarks.pocket.packing MODEL
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from benchmarks.common import ROOT
from pagesight.engine.models.pocket import packed
from pagesight.storage.made_once import sha256_of


def main() -> None:
    room = ROOT / "engine/models/pocket"
    file = room / packed.PACKED.path
    packed.pack(Path(sys.argv[1]), file)
    file.chmod(0o644)
    source = (room / "packed.py").read_text(encoding="utf-8")
    named = re.sub(r'sha256="[0-9a-f]*"', f'sha256="{sha256_of(file)}"', source)
    (room / "packed.py").write_text(named, encoding="utf-8")
    print(f"{file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
