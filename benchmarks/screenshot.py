"""The picture of the page that README shows: a real server over sample_docs, seen by Debian's chromium.

python -m benchmarks.screenshot [--index DIR]    # writes docs/page.png; needs the package playwright
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUESTION = "how many lamps were planned for the Whitcombe bypass"
SIZE = {"width": 1280, "height": 800}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, help="of sample_docs; made if there is none")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        index = given.index or Path(scratch) / "index"
        if given.index is None:
            subprocess.run(
                [sys.executable, "-m", "pagesight", "--index", index, "index", ROOT / "sample_docs"], check=True
            )
        command = [
            sys.executable,
            "-m",
            "pagesight",
            "serve",
            "--quiet",
            "--port",
            "0",
            "--index",
            f"sample_docs={index}",
        ]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        try:
            address = re.search(r"http://\S+", server.stderr.readline())[0]  # type: ignore[index]
            with sync_playwright() as playwright:
                chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                page = browser.new_page(viewport=SIZE, device_scale_factor=1)
                page.goto(f"{address}?q={QUESTION.replace(' ', '+')}")
                page.wait_for_selector(".hit .thumb page-picture.there", timeout=120_000)
                page.wait_for_selector(".hits > li:nth-child(2) .peek page-picture.there", timeout=120_000)
                for _ in range(3):  # the first question waited for the model
                    page.reload()
                    page.wait_for_selector(".hits > li:nth-child(2) .peek page-picture.there", timeout=120_000)
                    page.wait_for_timeout(600)
                page.screenshot(path=ROOT / "docs/page.png")
                browser.close()
        finally:
            server.terminate()
            server.wait(30)
    print(f"docs/page.png: {(ROOT / 'docs/page.png').stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
