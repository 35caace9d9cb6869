"""Files in several folders may have one name: what follows a hit finds the document of that hit."""

import pytest

from pagesight import IndexConfig, SearchEngine
from pagesight.engine.adapters.hits import text_of
from pagesight.engine.searcher import open_searcher
from tests.serving import serving

TEXTS = {"d1": "apples and oranges", "d2": "a zebra at the crossing"}

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alike")
    with SearchEngine.open(folder / "index", model="hashing") as engine:
        for name, text in TEXTS.items():
            (folder / name).mkdir()
            (folder / name / "report.txt").write_text(text)
            engine.index([folder / name], IndexConfig(text=True, n_processes=1))
    return folder


@pytest.fixture(scope="module")
def alike_server(alike):
    pytest.importorskip("fastapi", reason="the server needs the extra [server]")
    with serving(alike, indexes={"notes": str(alike / "index")}) as address:
        yield address


@pytest.fixture(params=["in process", "on a server"])
def searcher(request, alike):
    place = alike / "index" if request.param == "in process" else request.getfixturevalue("alike_server")
    with open_searcher(place) as found:
        yield found


@pytest.mark.parametrize(("query", "folder"), [("apples oranges", "d1"), ("zebra crossing", "d2")])
def test_the_words_the_page_and_its_like_are_those_of_the_hit(searcher, query, folder):
    (hit,) = searcher.search(query, k=1)
    assert hit.path.parent.name == folder
    assert text_of(searcher, hit) == TEXTS[folder]
    assert searcher.look_up(hit.document, hit.page, sha256=hit.sha256).path == hit.path
    (like,) = searcher.similar(hit.document, hit.page, sha256=hit.sha256)
    assert like.path.parent.name != folder
    own, other = (next(iter(searcher.pictures([one]))).tobytes() for one in (hit, like))
    assert own != other


def test_routes_of_a_page(alike_server):
    import urllib.request

    with open_searcher(alike_server) as searcher:
        hits = [searcher.search(query, k=1)[0] for query in ("apples oranges", "zebra crossing")]

    def get(path):
        with urllib.request.urlopen(f"{alike_server}/api/documents/report.txt{path}") as answer:
            return answer.read()

    assert [get(f"/file?sha256={hit.sha256}").decode() for hit in hits] == list(TEXTS.values())
    for path in ("?", "/pages/1?", "/pages/1/image?max_side=300&", "/pages/1/heat?q=zebra+apples&"):
        first, second = (get(f"{path}sha256={hit.sha256}") for hit in hits)
        assert first != second, path
