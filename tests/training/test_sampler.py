"""Batches: each example once an epoch, nothing wrong that is known to be right, resumed bit for bit, shared by ranks."""

import json
from collections import Counter, defaultdict

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pagesight.engine.training.data.examples import Example, Text
from pagesight.engine.training.data.sampler import Batches
from pagesight.engine.training.data.sources import ExampleSource
from pagesight.storage.errors import BadTrainingData, ConfigError


def source(rows, name="made up", *, graded=False):
    """rows: (query, positives, negatives), each a number; where is the row's own number."""
    examples = [
        Example(
            Text(f"q{query}"),
            tuple(Text(f"d{p}") for p in positives),
            tuple(Text(f"d{n}") for n in negatives),
            grade=float(query) if graded else None,
            where=str(i),
        )
        for i, (query, positives, negatives) in enumerate(rows)
    ]
    return ExampleSource(name, examples)


few = st.lists(st.integers(0, 12), max_size=3)
rows = st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(0, 12), min_size=1, max_size=3), few), min_size=1)
quick = settings(deadline=None, max_examples=60)


def epoch_of(made, **options):
    return list(Batches([made], None, seed=3, epochs=1, drop_last=False, **options))


@quick
@given(rows, st.integers(1, 6), st.integers(0, 2))
def test_every_example_comes_once_an_epoch_and_nothing_right_is_taken_for_wrong(made, batch_size, n_negatives):
    answers = defaultdict(set)  # of a query, in whatever row
    for query, positives, _ in made:
        answers[f"q{query}"] |= {f"d{p}" for p in positives}
    seen = Counter()
    for batch in epoch_of(source(made), batch_size=batch_size, n_negatives=n_negatives):
        assert 1 <= len(batch.examples) <= batch_size
        seen.update(example.where for example in batch.examples)
        queries = [example.query.text for example in batch.examples]
        assert len(set(queries)) == len(queries)
        for example in batch.examples:
            assert len(example.negatives) <= n_negatives
            assert not {n.text for n in example.negatives} & answers[example.query.text]
            for other in batch.examples:
                if other is not example:
                    pieces = {piece.text for piece in example.positives + example.negatives}
                    assert not pieces & answers[other.query.text]
    assert seen == {str(i): 1 for i in range(len(made))}


@pytest.mark.thorough
@quick
@given(rows, rows, st.integers(1, 4), st.integers(0, 25), st.booleans())
def test_resumed_is_undisturbed(first, second, batch_size, n_before, drop_last):
    sources = [source(first, "a"), source(second, "b")]

    def batches():
        return Batches(sources, None, batch_size, seed=5, n_negatives=1, drop_last=drop_last)

    whole, stopped, resumed = batches(), batches(), batches()
    try:
        expected = [next(whole) for _ in range(n_before + 25)]
        for _ in range(n_before):
            next(stopped)
    except BadTrainingData:  # too few differ: a test of its own
        assume(False)
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    assert [next(resumed) for _ in range(25)] == expected[n_before:]
    assert resumed.state_dict() == whole.state_dict()


@quick
@given(rows, st.integers(1, 4), st.integers(1, 3))
def test_ranks_share_the_batches_of_one_process(made, share, world):
    whole = epoch_of(source(made), batch_size=share * world, n_negatives=1)
    parts = [epoch_of(source(made), batch_size=share * world, n_negatives=1, rank=r, world=world) for r in range(world)]
    for batch, *of_ranks in zip(whole, *parts, strict=True):
        assert tuple(example for part in of_ranks for example in part.examples) == batch.examples


def distinct(n, name="made up"):
    return source([(i, [1000 + i], [2000 + i, 3000 + i, 4000 + i]) for i in range(n)], name)


def test_another_epoch_has_another_order_and_other_negatives():
    batches = Batches([distinct(40)], None, 8, seed=1, n_negatives=1)
    first, second = ([e for _ in range(5) for e in next(batches).examples] for _ in range(2))
    assert batches.epochs_done == (2,)
    assert {e.where for e in first} == {e.where for e in second}
    assert [e.where for e in first] != [e.where for e in second]
    by_row = {e.where: e.negatives for e in first}
    assert any(by_row[e.where] != e.negatives for e in second)
    other = Batches([distinct(40)], None, 8, seed=2, n_negatives=1)
    assert [e for _ in range(5) for e in next(other).examples] != first


@pytest.mark.parametrize(("weights", "expected"), [(None, 0.9), ([1, 1], 0.5), ([0, 2], 0.0)])
def test_sources_are_drawn_by_weight_and_batches_are_of_one(weights, expected):
    batches = Batches([distinct(90, "large"), distinct(10, "small")], weights, 5, seed=1)
    drawn = [next(batches).source_name for _ in range(2000)]
    assert drawn.count("large") / 2000 == pytest.approx(expected, abs=0.04)


def test_an_end_is_reached_when_all_sources_are_through():
    batches = Batches([distinct(30, "large"), distinct(10, "small")], [1, 5], 5, seed=1, epochs=2)
    assert Counter(batch.source_name for batch in batches) == {"large": 12, "small": 4}


def test_what_fills_no_batch_is_left_out_and_said_once(caplog):
    batches = Batches([distinct(11)], None, 4, seed=1, epochs=3)
    assert [len(batch.examples) for batch in batches] == [4] * 6
    (said,) = caplog.messages
    assert "made up: 3 of its 11 examples fill no batch of 4" in said
    caplog.clear()
    kept = Batches([distinct(11)], None, 4, seed=1, epochs=1, drop_last=False)
    assert [len(batch.examples) for batch in kept] == [4, 4, 3]
    assert not caplog.messages


def test_a_source_that_never_fills_a_batch_is_an_error():
    with pytest.raises(BadTrainingData, match=r"cannot fill a batch of 4: of its 50 examples"):
        next(Batches([source([(i, [i % 3], []) for i in range(50)])], None, 4, seed=1))


def test_graded_pairs_may_share_their_texts():
    batches = Batches([source([(1, [i], []) for i in range(8)], graded=True)], None, 8, seed=1)
    assert [example.grade for example in next(batches).examples] == [1.0] * 8


def test_examples_are_read_by_their_own_rank_only():
    read = []

    class Watched(list):
        def __getitem__(self, i):
            read.append(i)
            return super().__getitem__(i)

    examples = Watched(distinct(32)._examples)
    batches = Batches([ExampleSource("watched", examples)], None, 16, seed=1, rank=1, world=4)
    read.clear()
    assert len(next(batches).examples) == len(read) == 4


def test_a_state_of_other_batches_is_refused():
    state = Batches([distinct(30)], None, 4, seed=1).state_dict()
    for other in (
        Batches([distinct(31)], None, 4, seed=1),
        Batches([distinct(30)], None, 5, seed=1),
        Batches([distinct(30)], None, 4, seed=2),
    ):
        with pytest.raises(ConfigError, match="cannot go on"):
            other.load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"batch_size": 6, "world": 4}, "6 examples cannot be shared by 4"),
        ({"batch_size": 4, "rank": 2, "world": 2}, "rank 2"),
        ({"batch_size": 4, "epochs": 0}, "epochs"),
        ({"batch_size": 4, "weights": [1, 2]}, "1 sources need as many weights"),
        ({"batch_size": 4, "weights": [float("nan")]}, "weights"),
    ],
)
def test_what_cannot_be_is_refused(options, match):
    with pytest.raises(ConfigError, match=match):
        Batches([distinct(8)], options.pop("weights", None), options.pop("batch_size"), seed=1, **options)
    with pytest.raises(ConfigError, match="one example at least"):
        Batches([], None, 4, seed=1)
