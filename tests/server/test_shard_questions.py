"""What servers ask each other, from anybody who has the key for reading: refused where it is malformed, and bounded."""

import copy
import json

import pytest

from pagesight.engine.models.hashing import HashingEncoder
from pagesight.engine.server.routes.shard_forms import FORMS
from pagesight.engine.server.settings import ServerSettings
from pagesight.engine.shards.cluster import Cluster
from pagesight.engine.shards.coordinator import QUERIES, Coordinator
from pagesight.storage.errors import UnknownHit
from tests.server.conftest import opened
from tests.server.test_search_api import error_of

WRONG = (None, "", "x", -1, 10**20, float("nan"), [], [[]], {}, True)


class ThroughTheServer:
    """A shard, and what it was asked: the first question of each kind."""

    label = "the only one"

    def __init__(self, client):
        self.client, self.asked = client, {}

    def state(self):
        return self.client.get("/api/shard").json()

    def ask(self, name, body):
        self.asked.setdefault(name, body)
        answer = self.client.post(f"/api/shard/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self):
        """The client is the test's."""


@pytest.fixture(scope="module")
def asked(client):
    """A body for each question, as a coordinator sends it."""
    shard = ThroughTheServer(client)
    with Coordinator(Cluster([shard]), HashingEncoder()) as parts:
        parts.search("bank loans", k=1)
        parts.similar("finance/report.pdf", 2, k=2)
        parts.read_page("finance/report.pdf", 2, "bank loans")
        parts.score_pages([("finance/report.pdf", 2)], HashingEncoder().encode_queries(["loans"])[0])
        parts.some_documents(None, 0, 2)
        parts.failures(), parts.totals()
        with pytest.raises(UnknownHit):
            parts.relayed("none.pdf", "/", {})
    return shard.asked


def changed(value, at=()):
    """Each copy of a body in which one field is left out, or something else."""
    fields = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(fields):
        if isinstance(value, dict):
            yield (*at, key), lambda holder, key=key: holder.pop(key)
        for wrong in WRONG:
            yield (*at, key), lambda holder, key=key, wrong=wrong: holder.__setitem__(key, wrong)
        yield from changed(one, (*at, key))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["search", "describe", "look_up", "as_question", "scores", "numbers", "named"])
def test_what_is_malformed_is_refused_and_no_bug(client, asked, name):
    body = {key: value[:1] if key in ("questions", "pages") else value for key, value in asked[name].items()}
    body.pop("expects")
    for way, change in changed(body):
        bad = copy.deepcopy(body)
        holder = bad
        for key in way[:-1]:
            holder = holder[key]
        change(holder)
        content = json.dumps({**bad, "expects": asked[name]["expects"]})
        answer = client.post(f"/api/shard/{name}", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 400, 404, 409), (way, content[:500], answer.text)


def test_all_questions_have_a_form():
    from pagesight.engine.shards.desk import ASKED

    assert FORMS.keys() == ASKED.keys()


def test_one_question_asks_for_no_more_than_the_public_routes_give(client, asked):
    search = asked["search"]
    for config in ({"k": 10_002}, {"n_candidates": 100_001}):
        told = {**search, "config": {**search["config"], **config}}
        error_of(client.post("/api/shard/search", json=told), 409)
    many = {**asked["numbers"], "questions": asked["numbers"]["questions"][:1] * 257}
    error_of(client.post("/api/shard/numbers", json=many), 409)


@pytest.mark.thorough
def test_a_program_asks_as_much_as_it_likes_in_several_rounds(client):
    shard = ThroughTheServer(client)
    with Coordinator(Cluster([shard]), HashingEncoder()) as parts:
        found = parts.search_many(["lamps"] * (QUERIES + 1), k=2)
    assert [len(hits) for hits in found] == [2] * (QUERIES + 1)
    assert len(shard.asked["search"]["questions"]) == QUERIES


def test_a_shard_hides_paths_too(index):
    with opened(ServerSettings(indexes={"docs": str(index)}, hide_paths=True)) as client:
        shard, heard = ThroughTheServer(client), []
        ask = shard.ask
        shard.ask = lambda name, body: heard.append(ask(name, body)) or heard[-1]
        with Coordinator(Cluster([shard]), HashingEncoder()) as parts:
            (hit,) = parts.search("bank loans", k=1)
            assert (hit.document, str(parts.look_up("finance/report.pdf", 2).path)) == (hit.document, hit.document)
            parts.documents(), parts.failures()
        assert str(index.parent) not in json.dumps(heard)
