"""Two processes search for a while as one of them changes the index: every answer is that of its generation."""

import pytest

from benchmarks.soak import soak
from benchmarks.soak_check import Expected, score, wrong_answers
from pagesight.engine.models.hashing import HashingEncoder
from tests.helpers import new_page

LOG = [
    {"generation": 1, "put": "a/1.txt", "texts": ["green apple", "red pear"], "sha256": "one"},
    {"generation": 2, "put": "b/2.txt", "texts": ["blue plum"], "sha256": "two"},
    {"generation": 4, "put": "a/1.txt", "texts": ["red apple"], "sha256": "three"},
    {"generation": 6, "removed": ["b/2.txt"]},
]


def answer(generation, *hits, filters=None, query="red apple", exact=True):
    return {"generation": generation, "query": query, "filters": filters, "exact": exact, "hits": list(hits)}


def hit(document, page, text, page_id, sha256, off=0.0):
    return [document, page, score(["red", "apple"], text) + off, page_id, sha256]


def at_2(off=0.0):
    """All pages of generation 2, best first."""
    hits = [hit("a/1.txt", 1, "green apple", 1, "one", off), hit("a/1.txt", 2, "red pear", 2, "one")]
    return sorted([*hits, hit("b/2.txt", 1, "blue plum", 3, "two")], key=lambda found: -found[2])


RED_APPLE, BLUE_PLUM = hit("a/1.txt", 1, "red apple", 4, "three"), hit("b/2.txt", 1, "blue plum", 3, "two")


def test_right_answers_of_each_generation_pass():
    right = [answer(2, *at_2()), answer(3, *at_2()), answer(4, RED_APPLE, BLUE_PLUM), answer(5, RED_APPLE, BLUE_PLUM)]
    right += [
        answer(6, RED_APPLE),
        answer(0),
        answer(4, RED_APPLE, filters='folder = "a"'),
        answer(6, filters="page = 77"),
    ]
    assert list(wrong_answers(LOG, right)) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (answer(4, *at_2()), "3 hits of 2 pages"),
        (answer(2, *at_2()[:2]), "2 hits of 3 pages"),
        (answer(2, *at_2(off=0.1)), "scores"),
        (answer(2, *reversed(at_2())), "out of order"),
        (answer(2, at_2()[0], at_2()[0], at_2()[1]), "out of order"),
        (answer(6, hit("a/1.txt", 1, "red apple", 1, "three")), "another version"),
        (answer(6, hit("a/1.txt", 1, "red apple", 4, "one")), "another version"),
        (answer(4, BLUE_PLUM, filters='folder = "a"'), "not allowed"),
        (answer(6, BLUE_PLUM), "not there"),
    ],
)
def test_wrong_answers_are_found(wrong, problem):
    (found,) = wrong_answers(LOG, [wrong])
    assert problem in found


def test_a_missing_better_page_is_found():
    expected = Expected()
    for number in range(8):
        text = "red apple" if number == 0 else f"word{number} other{number}"
        expected.apply({"generation": number, "put": f"{number}.txt", "texts": [text], "sha256": str(number)})
    others = [hit(f"{n}.txt", 1, f"word{n} other{n}", n + 1, str(n)) for n in range(1, 8)]
    others.sort(key=lambda found: -found[2])
    assert expected.problem(answer(7, *others[:5])) == "a better page is missing"
    assert expected.problem(answer(7, *others[:5], exact=False)) == "the best page is missing"
    best = hit("0.txt", 1, "red apple", 1, "0")
    assert expected.problem(answer(7, best, *others[:4])) is None
    assert expected.problem(answer(7, best, *others[3:7])) == "a better page is missing"
    assert expected.problem(answer(7, best, *others[3:7], exact=False)) is None


def test_the_definition_scores_as_the_encoder_means_it():
    (query,) = HashingEncoder().encode_queries(["red apple"])
    page = new_page(1, "green apple tree").encoded
    assert score(["red", "apple"], "green apple tree") == pytest.approx(
        (query.tokens @ page.tokens.T).max(1).sum(), abs=1e-5
    )


def check(figures):
    assert figures["problems"] == []
    assert figures["errors"] == figures["wrong_answers"] == 0
    assert min(figures["searches"], figures["commits"], figures["optimizes"], figures["generations_answered"]) > 0


@pytest.mark.slow
def test_answers_are_right_while_the_index_changes(tmp_path):
    check(soak(4, tmp_path))


@pytest.mark.slow
def test_a_minute_of_it(tmp_path):
    check(soak(60, tmp_path))
