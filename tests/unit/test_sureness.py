"""Measures of confidence against what they are by hand."""

import itertools
import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.evaluation.sureness import Sureness, auc, reliability, risk_coverage

scored = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9]), st.booleans()), min_size=1, max_size=40)


@given(scored)
def test_auc_is_how_often_a_positive_beats_a_negative(pairs):
    scores, positive = np.array([s for s, _ in pairs]), np.array([p for _, p in pairs])
    won = [(a > b) + (a == b) / 2 for a, b in itertools.product(scores[positive], scores[~positive])]
    found = auc(scores, positive)
    assert found == (pytest.approx(np.mean(won)) if won else None)


@given(scored)
def test_groups_hold_every_question_once_in_order(pairs):
    groups = reliability(np.array([s for s, _ in pairs]), np.array([p for _, p in pairs]))
    assert sum(n for _, _, n in groups) == len(pairs)
    said = [round(said, 9) for said, _, _ in groups]  # the mean of many 0.1 is off by a last digit
    assert said == sorted(said)
    assert sum(n * was for _, was, n in groups) == pytest.approx(sum(p for _, p in pairs))


def test_error_by_chance_is_that_of_true_probabilities():
    draw = np.random.default_rng(1)
    p = draw.random(2_000)
    true = Sureness.of(p, p, [True] * len(p), draw.random(len(p)) < p)
    assert true.ece == pytest.approx(true.ece_by_chance, rel=0.6)
    boasting = Sureness.of(p, p**0.2, [True] * len(p), draw.random(len(p)) < p)
    assert boasting.ece > 5 * boasting.ece_by_chance


def test_the_surest_are_answered_first():
    risks = dict(risk_coverage(np.array([0.9, 0.8, 0.3, 0.2]), np.array([True, True, False, False])))
    assert (risks[1.0], risks[0.5]) == (0.5, 0.0)


def test_whoever_says_what_is_true_has_no_error():
    sure = Sureness.of([1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [True, False, True], [True, False, False])
    assert (sure.ece, sure.auc_answerable, sure.auc_right, sure.n_unanswerable) == (0, 1, 1, 1)
    assert Sureness.of([0.9], [0.9], [True], [False]).ece == pytest.approx(0.9)
    assert Sureness.from_dict(json.loads(json.dumps(asdict(sure)))) == sure
