"""Measures are trec_eval's: on any run, with equal scores, unjudged items and queries nobody answered."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, P, R, Success, nDCG

from pagesight.engine.evaluation.metrics import DEFAULT_METRICS, metric_named, per_query
from pagesight.engine.evaluation.statistics import compare, interval
from pagesight.engine.evaluation.trec import read_qrels, read_run, write_qrels, write_run
from pagesight.storage.errors import ConfigError, DatasetError

# MRR@k is left out: trec_eval has no cut of it, and ir-measures cuts equal scores in another order than trec_eval ranks them.
THEIRS = {
    "nDCG@5": nDCG @ 5,
    "nDCG@10": nDCG @ 10,
    "recall@3": R @ 3,
    "recall@10": R @ 10,
    "MRR": RR,
    "MAP": AP,
    "MAP@5": AP @ 5,
    "hit@1": Success @ 1,
    "P@5": P @ 5,
}
items = st.sampled_from([f"d{i}" for i in range(15)])
query_ids = st.sampled_from(["q1", "q2", "q3", "q4"])
runs = st.dictionaries(
    query_ids, st.dictionaries(items, st.sampled_from([-1.0, 0.0, 0.5, 0.5000001, 2.0]), max_size=14)
)
all_qrels = st.dictionaries(query_ids, st.dictionaries(items, st.integers(0, 3), min_size=1), min_size=1)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(runs, all_qrels)
def test_every_query_scores_what_trec_eval_says(run, qrels):
    ids = sorted(qrels)
    ours = per_query(run, qrels, ids, [metric_named(name) for name in THEIRS])
    theirs = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(list(THEIRS.values()), qrels, run)}
    for name, measure in THEIRS.items():
        expected = [theirs.get((query, measure), 0.0) for query in ids]
        np.testing.assert_allclose(ours[name], expected, atol=1e-9, err_msg=name)


def test_junk_is_not_relevant_and_ends():
    """After a query with a grade of 1, trec_eval never came back from one that has negative grades alone."""
    qrels = {"q1": {"a": -2, "b": 1}, "q2": {"a": -1}}
    run = {query: {"a": 3.0, "b": 2.0} for query in qrels}
    metrics = [metric_named(name) for name in ("nDCG@5", "MRR", "recall@10", "MAP", "hit@1")]
    for _ in range(3):
        scores = per_query(run, qrels, ["q1", "q2"], metrics)
    assert [values[1] for values in scores.values()] == [0] * 5
    assert [round(values[0], 3) for values in scores.values()] == [0.631, 0.5, 1, 0.5, 0]


@given(runs, all_qrels)
def test_ndcg_and_reciprocal_rank_are_their_definitions(run, qrels):
    ids = sorted(qrels)
    ours = per_query(run, qrels, ids, [metric_named("nDCG@5"), metric_named("MRR@5")])
    for i, query in enumerate(ids):
        scored = {item: np.float32(score) for item, score in run.get(query, {}).items()}
        ranked = sorted(scored, key=lambda item: (scored[item], item), reverse=True)[:5]
        grades = [qrels[query].get(item, 0) for item in ranked]
        best = sorted(qrels[query].values(), reverse=True)[:5]
        discount = 1 / np.log2(np.arange(2, 7))
        ideal = float(best @ discount[: len(best)])
        assert ours["nDCG@5"][i] == pytest.approx(float(grades @ discount[: len(grades)]) / ideal if ideal else 0)
        first = next((rank for rank, grade in enumerate(grades, start=1) if grade), None)
        assert ours["MRR@5"][i] == pytest.approx(1 / first if first else 0)


@given(st.dictionaries(names, st.dictionaries(names, st.floats(-1e6, 1e6, width=32), min_size=1)))
def test_runs_survive_their_file(tmp_path_factory, run):
    path = tmp_path_factory.mktemp("trec") / "run"
    write_run(path, run, "any tag")
    assert read_run(path) == run


@given(st.dictionaries(names, st.dictionaries(names, st.integers(0, 9), min_size=1)))
def test_judgments_survive_their_file(tmp_path_factory, qrels):
    path = tmp_path_factory.mktemp("trec") / "qrels"
    write_qrels(path, qrels)
    assert read_qrels(path) == qrels


def test_a_run_file_ranks_equal_scores_as_trec_eval_does(tmp_path):
    write_run(tmp_path / "run", {"q": {"a": 1.0, "c": 1.0, "b": 2.0}}, "ours")
    assert (tmp_path / "run").read_text() == "q Q0 b 1 2.0 ours\nq Q0 c 2 1.0 ours\nq Q0 a 3 1.0 ours\n"


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_run, "q Q0 d 1\n", r"line 1: expected 6 fields \(query Q0 item rank score tag\), got 4"),
        (read_run, "\nq Q0 d 1 high t\n", "line 2: the score 'high' is not a number"),
        (read_qrels, "q 0 d 1.5\n", "line 1: the grade '1.5' is not a whole number"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, read, text, message):
    (tmp_path / "file").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read(tmp_path / "file")


@pytest.mark.parametrize("name", ["nDCG@0", "recall", "accuracy@5", "nDCG@", "@5", ""])
def test_unknown_metrics_are_refused_with_the_known_ones(name):
    with pytest.raises(ConfigError, match=r"no metric .*known are nDCG@k, recall@k, MRR@k"):
        metric_named(name)


def test_default_metrics_are_known():
    assert [metric_named(name).name for name in DEFAULT_METRICS] == list(DEFAULT_METRICS)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        found = interval(generator.normal(0.5, 0.2, 60))
        covered += found.low <= 0.5 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_paired_test_tells_a_real_difference_from_noise():
    generator = np.random.default_rng(2)
    a = generator.uniform(0, 1, 80)
    better, same = compare(a + generator.normal(0.1, 0.1, 80), a), compare(a + generator.normal(0, 0.1, 80), a)
    assert better.p < 0.001
    assert better.low > 0
    assert same.p > 0.05
    assert same.low < 0 < same.high
    assert compare(a, a).p == 1


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_the_paired_test_is_the_exact_randomisation_test_up_to_sampling(differences):
    d = np.array(differences, float)
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(d))).reshape(len(d), -1)
    exact = float((np.abs(signs.T @ d) >= abs(d.sum()) - 1e-9).mean())
    assert compare(d, np.zeros_like(d)).p == pytest.approx(exact, abs=0.02)
