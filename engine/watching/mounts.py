"""File systems that tell nobody when another machine changes them: there one has to look again and again."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # Linux; see proc_pid_mountinfo(5)
_SILENT = re.compile(r"nfs\d?|cifs|smb\w*|ncpfs|afs|9p|fuse(\..*)?|drvfs|vboxsf|prl_fs|virtiofs|lustre|ceph|davfs\d?")


def silent_mounts(folder: Path, table: str | None = None) -> list[str]:
    """Mount points that hold the folder, or lie below it, and give no events.

    table: text of mountinfo; None reads the system's. Where there is none, no mount is known to be silent.
    """
    if table is None:
        table = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if MOUNTS.exists() else ""
    place, around, found = str(folder), ("", ""), []
    for line in filter(None, table.splitlines()):
        before, _, after = line.partition(" - ")
        point, kind = _unescaped(before.split(" ")[4]), after.split(" ")[0]
        if point != place and _holds(place, point):
            found.append((point, kind))
        elif _holds(point, place) and len(point) >= len(around[0]):  # of two at one place the later one is seen
            around = (point, kind)
    return [point for point, kind in (around, *found) if _SILENT.fullmatch(kind)]


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


def _unescaped(text: str) -> str:
    """Blanks and the like are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
