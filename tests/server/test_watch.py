"""``serve --watch``: what is put into a folder is found."""

import json
import time
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")
pytest.importorskip("watchfiles", reason="watching needs the extra [watch]")

from tests.helpers import make_pdf
from tests.serving import make_index, serving


@pytest.mark.slow
def test_a_file_that_comes_is_found_and_one_that_goes_is_not(tmp_path):
    index = make_index(tmp_path)
    inbox = tmp_path / "inbox"
    inbox.mkdir()

    def documents():
        with urllib.request.urlopen(f"{address}/api/documents", timeout=10) as answer:
            return {found["document"] for found in json.load(answer)["documents"]}

    def wait(expected):
        until = time.monotonic() + 200
        while ("new.pdf" in documents()) is not expected:
            assert time.monotonic() < until
            time.sleep(0.3)

    with serving(tmp_path, indexes={"notes": str(index)}, watch=(inbox,)) as address:
        make_pdf(inbox / "new.pdf", ["turnips"])
        make_pdf(inbox / "stays.pdf", ["radishes"])
        wait(True)
        (inbox / "new.pdf").unlink()
        wait(False)
        assert "stays.pdf" in documents()
