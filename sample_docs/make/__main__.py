"""Make the sample documents: `python -m sample_docs.make [--out DIR] [NAME...]`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

# Each module has make(out), which writes one document or a pair of related ones below out.
MODULES = (
    "annual_report",
    "slides",
    "paper",
    "invoice",
    "timetable",
    "claim_form",
    "datasheet",
    "manual",
    "scanned_letter",
    "scanned_lab",
    "brochure",
    "poster",
    "minutes_german",
    "report_french",
    "policy_chinese",
    "survey",
    "minutes_library",
    "safety_sheet",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sample_docs.make", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(MODULES)}")
    args = parser.parse_args()
    unknown = set(args.names) - set(MODULES)
    if unknown:
        parser.error(f"no such document: {', '.join(sorted(unknown))}")
    for folder in ("finance", "engineering", "science", "office", "public", "scans"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    for name in args.names or MODULES:
        importlib.import_module(f".{name}", __package__).make(args.out)
        print(name)


if __name__ == "__main__":
    main()
