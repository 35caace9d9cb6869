"""docs/api.md shows what the server answers."""

import json
import re
from urllib.parse import urlsplit

import pytest

from tests.helpers import ROOT
from tests.server.conftest import opened

TEXT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```http\n(\w+) (\S+)\n(.*?)```\n\n```json\n(.*?)```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sample(sample_index):
    from pagesight.engine.server.settings import ServerSettings

    with opened(ServerSettings(indexes={"sample": str(sample_index)})) as client:
        yield client


def agrees(shown, answered, place="answer"):
    """What is shown is in the answer; numbers may differ a little between processors."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            agrees(value, answered[name], f"{place}.{name}")
    elif isinstance(shown, list):
        assert len(answered) >= len(shown), place
        for at, value in enumerate(shown):
            agrees(value, answered[at], f"{place}[{at}]")
    elif isinstance(shown, float):
        assert answered == pytest.approx(shown, rel=0.02, abs=0.01), place
    else:
        assert answered == shown, place


@pytest.mark.parametrize(
    ("method", "path", "body", "shown"), EXAMPLES, ids=[f"{m} {p[:30]}" for m, p, _, _ in EXAMPLES]
)
def test_an_example_is_answered_as_it_says(sample, method, path, body, shown):
    answer = sample.request(method, path, json=json.loads(body) if body.strip() else None)
    agrees(json.loads(shown), answer.json())


def test_there_are_examples():
    assert len(EXAMPLES) >= 7


def test_every_address_is_documented(client):
    """Each path of /api is named in docs/api.md, and each path that is named is there."""
    paths = [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/api")]
    named = TEXT.replace("NAME", "{document}").replace("/3", "/{page}").replace("ID", "{job_id}")
    for path in paths:
        if path not in ("/api/info", "/api/session"):  # the page's own
            assert path.removesuffix("{name}") in named, path
    known = {re.sub(r"\{\w+\}", "*", path) for path in paths} | {"/api/uploads/"}
    for found in re.findall(r"/api/[\w/{}.-]+", named):
        path = re.sub(r"\{\w+\}", "*", urlsplit(found).path)
        if "." not in path:
            assert path in known, found


def test_links_of_the_documents_lead_to_files():
    for document in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "SECURITY.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), (document.name, target)
