"""Each loss is its formula, written out; its gradient is that of finite differences; sentence-transformers agrees."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.engine.training.late import Ragged, late_scores
from pagesight.engine.training.losses import (
    Terms,
    cosent,
    cosine_scores,
    divergence,
    info_nce,
    joint_loss,
    joint_terms,
    matryoshka,
)

N, M, DIM, TAU = 4, 7, 8, 0.1
DIMS = (2, 4, 8)


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(random(*shape, seed=seed), dim=-1)


def sides(seed=0):
    """Single vectors (n, dim), (m, dim), and token vectors of as many queries and documents."""
    return (
        random(N, DIM, seed=seed),
        random(M, DIM, seed=seed + 1),
        Ragged.of([unit(n, DIM, seed=seed + 10 + n) for n in (2, 5, 1, 3)]),
        Ragged.of([unit(n, DIM, seed=seed + 30 + n) for n in (4, 1, 6, 2, 3, 7, 5)]),
    )


def excluded_pairs():
    """Two false negatives; one mark on a positive, which counts for nothing."""
    excluded = torch.zeros(N, M, dtype=torch.bool)
    excluded[0, 5] = excluded[2, 1] = excluded[1, 1] = True
    return excluded


POSITIVES = torch.arange(N)


# The formulas, number by number.


def cosine_by_hand(queries, documents):
    return [[float(q @ d) / math.sqrt(float(q @ q) * float(d @ d)) for d in documents] for q in queries]


def softmax_by_hand(row, temperature, left_out=()):
    powers = [0.0 if k in left_out else math.exp(s / temperature) for k, s in enumerate(row)]
    return [p / sum(powers) for p in powers]


def left_out(excluded, i):
    return {k for k in range(M) if excluded is not None and excluded[i, k] and k != POSITIVES[i]}


def info_nce_by_hand(scores, temperature, excluded=None):
    rows = [softmax_by_hand(row, temperature, left_out(excluded, i)) for i, row in enumerate(scores)]
    return sum(-math.log(row[POSITIVES[i]]) for i, row in enumerate(rows)) / len(rows)


def divergence_by_hand(dense, late, temperature, excluded=None):
    total = 0.0
    for i, (a, b) in enumerate(zip(dense, late, strict=True)):
        p, q = (softmax_by_hand(row, temperature, left_out(excluded, i)) for row in (a, b))
        total += sum(x * math.log(x / y) for x, y in zip(p, q, strict=True) if x > 0)
    return total / len(dense)


def late_by_hand(queries, documents):
    q, d = queries.vectors.split(queries.lengths.tolist()), documents.vectors.split(documents.lengths.tolist())
    return [[sum(max(float(t @ u) for u in b) for t in a) / len(a) for b in d] for a in q]


def cosent_by_hand(scores, grades, temperature):
    pairs = [(i, j) for i in range(len(scores)) for j in range(len(scores)) if grades[i] > grades[j]]
    return math.log(1 + sum(math.exp((scores[j] - scores[i]) / temperature) for i, j in pairs))


def close(got, expected, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(got.detach()), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("excluded", [None, excluded_pairs()], ids=["all", "excluded"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-6)])
def test_scores_and_terms_are_their_formulas(excluded, dtype, tolerance):
    queries, documents, multi_queries, multi_documents = sides()
    dense, late = cosine_by_hand(queries, documents), late_by_hand(multi_queries, multi_documents)
    queries, documents = queries.to(dtype), documents.to(dtype)
    multi_queries = Ragged(multi_queries.vectors.to(dtype), multi_queries.lengths)
    multi_documents = Ragged(multi_documents.vectors.to(dtype), multi_documents.lengths)
    close(cosine_scores(queries, documents), dense, tolerance)
    close(late_scores(multi_queries, multi_documents), late, tolerance)

    terms = joint_terms(
        queries,
        documents,
        multi_queries,
        multi_documents,
        POSITIVES,
        matryoshka_dims=DIMS,
        matryoshka_weights=(1, 2, 3),
        temperature=TAU,
        excluded=excluded,
    )
    cut = [info_nce_by_hand(cosine_by_hand(queries[:, :dim], documents[:, :dim]), TAU, excluded) for dim in DIMS]
    close(terms.dense, (cut[0] + 2 * cut[1] + 3 * cut[2]) / 6, 2 * tolerance)
    close(terms.late, info_nce_by_hand(late, TAU, excluded), 2 * tolerance)
    close(terms.divergence, divergence_by_hand(dense, late, TAU, excluded), 2 * tolerance)
    assert {terms.dense.dtype, terms.late.dtype, terms.divergence.dtype} == {dtype}


def test_hard_negatives_of_every_row_are_negatives_of_each():
    """L_NCE+ as the paper prints it: row by row, over all positives and all negatives of the batch."""
    queries, positives, negatives = unit(3, DIM), unit(3, DIM, seed=1), unit(3, 2, DIM, seed=2)
    got = info_nce(
        cosine_scores(queries, torch.cat([positives, negatives.flatten(0, 1)])), torch.arange(3), temperature=TAU
    )
    total = 0.0
    for r in range(3):
        denominator = 0.0
        for i in range(3):
            denominator += math.exp(queries[r] @ positives[i] / TAU)
            denominator += sum(math.exp(queries[r] @ negatives[i, j] / TAU) for j in range(2))
        total -= math.log(math.exp(queries[r] @ positives[r] / TAU) / denominator)
    close(got, total / 3)


def test_the_joint_loss_weighs_six_terms_and_a_missing_half_counts_nothing():
    text, pictures = (Terms(*torch.tensor(three, dtype=torch.float64)) for three in ([1.0, 2, 3], [5.0, 7, 11]))
    weights = (1, 10, 100, 1000, 10_000, 100_000)
    close(joint_loss(text, pictures), 29)
    close(joint_loss(text, pictures, weights), 1_175_321)
    close(joint_loss(text, None, weights), 321)
    close(joint_loss(None, pictures, weights), 1_175_000)
    with pytest.raises(ValueError, match="needs a text batch, a picture batch, or both"):
        joint_loss(None, None)
    with pytest.raises(ValueError, match="six weights, got 3"):
        joint_loss(text, pictures, (1, 1, 1))


grades = st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 3)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=50)
@given(grades)
def test_cosent_is_its_formula(pairs):
    scores, judged = (torch.tensor(column, dtype=torch.float64) for column in zip(*pairs, strict=True))
    close(cosent(scores, judged, temperature=TAU), cosent_by_hand(scores.tolist(), judged.tolist(), TAU))


def test_cosent_of_equal_grades_is_exactly_zero_and_has_a_gradient():
    scores = random(5).requires_grad_()
    loss = cosent(scores, torch.ones(5))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.tolist() == [0.0] * 5


def test_losses_stay_finite_where_exponentials_overflow():
    scores = torch.tensor([[-1.0, 1.0], [1.0, -1.0]], requires_grad=True)
    late = -scores.detach()
    for loss in (
        info_nce(scores, torch.arange(2), temperature=1e-3),
        divergence(scores, late, temperature=1e-3),
        cosent(scores.flatten(), torch.arange(4), temperature=1e-3),
    ):
        (gradient,) = torch.autograd.grad(loss, scores)
        assert 1000 < loss.item() < 5000
        assert gradient.isfinite().all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_the_divergence_is_none_between_equals_and_never_negative(seed):
    dense, late = torch.tanh(random(N, M, seed=seed)), torch.tanh(random(N, M, seed=seed + 1))
    assert divergence(dense, late, temperature=TAU) > 0
    assert abs(divergence(dense, dense + random(N, 1, seed=seed), temperature=TAU)) < 1e-12


def test_the_late_scores_are_a_target_unless_asked_otherwise():
    dense, late = random(N, M).requires_grad_(), random(N, M, seed=1).requires_grad_()
    divergence(dense, late).backward()
    assert late.grad is None
    assert (dense.grad != 0).any()
    divergence(dense, late, detach_late=False).backward()
    assert (late.grad != 0).any()


def test_what_is_excluded_gets_no_gradient_and_its_score_does_not_matter():
    scores, late = torch.tanh(random(N, M)).requires_grad_(), torch.tanh(random(N, M, seed=1)).requires_grad_()
    excluded = excluded_pairs()
    excluded[1, 1] = False
    loss = info_nce(scores, POSITIVES, excluded=excluded) + divergence(
        scores, late, excluded=excluded, detach_late=False
    )
    loss.backward()
    for tensor in (scores, late):
        assert tensor.grad.isfinite().all()
        assert (tensor.grad[excluded] == 0).all()
    other = scores.detach().masked_fill(excluded, 0.99)
    assert info_nce(other, POSITIVES, excluded=excluded) == info_nce(scores, POSITIVES, excluded=excluded)
    assert divergence(other, late, excluded=excluded) == divergence(scores, late, excluded=excluded)


def test_gradients_agree_with_finite_differences():
    queries, documents, multi_queries, multi_documents = sides()
    excluded = excluded_pairs()
    scores, late = torch.tanh(random(N, M)).requires_grad_(), torch.tanh(random(N, M, seed=1)).requires_grad_()
    check = torch.autograd.gradcheck
    assert check(partial(info_nce, positives=POSITIVES, temperature=TAU, excluded=excluded), (scores,))
    assert check(partial(cosent, grades=torch.tensor([3, 1, 1, 2, 0, 3, 1])), (scores[0].detach().requires_grad_(),))
    assert check(lambda a: divergence(a, late.detach(), temperature=TAU), (scores,))

    def joint(a, b, c, d):
        terms = joint_terms(
            a,
            b,
            Ragged(c, multi_queries.lengths),
            Ragged(d, multi_documents.lengths),
            POSITIVES,
            matryoshka_dims=DIMS,
            temperature=TAU,
            detach_late=False,  # or finite differences see what the gradient is not to see
            excluded=excluded,
        )
        return joint_loss(terms, None, (1, 2, 3, 0, 0, 0))

    inputs = (queries, documents, multi_queries.vectors, multi_documents.vectors)
    assert check(joint, tuple(tensor.requires_grad_() for tensor in inputs), fast_mode=True)  # along random directions


def test_half_precision_and_autocast_change_nothing():
    queries, documents = (tensor.bfloat16() for tensor in (unit(N, 64), unit(M, 64, seed=1)))
    exact = cosine_scores(queries.double(), documents.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = cosine_scores(queries, documents)
        loss = info_nce(scores, POSITIVES)
        cut = matryoshka(lambda q, d: info_nce(cosine_scores(q, d), POSITIVES), queries, documents, [32, 64])
    assert {scores.dtype, loss.dtype, cut.dtype} == {torch.float32}
    close(scores, exact, 1e-6)
    close(loss, info_nce(exact, POSITIVES).item(), 1e-5)


@pytest.mark.parametrize("dims", [(), (4, 2, 8), (2, 4), (0, 8), (8, 8), (8, 16)])
def test_matryoshka_refuses_widths_that_are_none(dims):
    with pytest.raises(ValueError, match="the widths must rise to that of the vectors, 8"):
        matryoshka(lambda q, d: (q @ d.T).sum(), random(2, 8), random(3, 8), dims)


@pytest.mark.parametrize("weights", [(1,), (1, -1), (0, 0)])
def test_matryoshka_refuses_weights_that_are_none(weights):
    with pytest.raises(ValueError, match="a weight of 0 or more for each of 2 widths"):
        matryoshka(lambda q, d: (q @ d.T).sum(), random(2, 8), random(3, 8), (4, 8), weights)


# sentence-transformers as the oracle. Its losses ask a model for vectors; these models have them ready.


class Ready(torch.nn.Module):
    """Gives back the vectors that stand in the features."""

    def forward(self, features, **_):
        return dict(features)

    def get_embedding_dimension(self):
        return DIM


@pytest.fixture
def sentence_transformers():
    return pytest.importorskip("sentence_transformers")


def single(*columns):
    return [{"sentence_embedding": column} for column in columns]


def padded(*columns):
    """Columns of lists of token vectors, padded with vectors that would win every maximum if they were not masked."""
    longest = max(len(rows) for column in columns for rows in column)
    result = []
    for column in columns:
        tokens, mask = torch.full((len(column), longest, DIM), 9.0, dtype=torch.float64), torch.zeros(N, longest).long()
        for i, rows in enumerate(column):
            tokens[i, : len(rows)], mask[i, : len(rows)] = rows, 1
        result.append({"token_embeddings": tokens, "attention_mask": mask})
    return result


def same_value_and_gradients(ours, theirs, inputs):
    close(ours, theirs.item(), 1e-6)
    for a, b in zip(torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs), strict=True):
        close(a, b.numpy(), 1e-6)


def test_info_nce_is_multiple_negatives_ranking(sentence_transformers):
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    inputs = [random(N, DIM, seed=seed).requires_grad_() for seed in range(4)]
    theirs = MultipleNegativesRankingLoss(Ready(), scale=50.0)(single(*inputs), None)
    ours = info_nce(cosine_scores(inputs[0], torch.cat(inputs[1:])), POSITIVES, temperature=0.02)
    same_value_and_gradients(ours, theirs, inputs)


def test_late_info_nce_is_the_multi_vector_loss_over_mean_maxsim(sentence_transformers):
    from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss
    from sentence_transformers.multi_vector_encoder.scoring import mean_colbert_scores

    columns = [[unit(1 + (i + 3 * c) % 5, DIM, seed=10 * c + i).float() for i in range(N)] for c in range(3)]
    inputs = [rows.requires_grad_() for column in columns for rows in column]
    theirs = MultiVectorMultipleNegativesRankingLoss(Ready(), scale=50.0, similarity_fct=mean_colbert_scores)(
        padded(*columns)
    )
    ours = info_nce(late_scores(Ragged.of(columns[0]), Ragged.of(columns[1] + columns[2])), POSITIVES, temperature=0.02)
    close(ours, theirs.item(), 1e-6)
    for a, b in zip(torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs), strict=True):
        close(a, b.numpy(), 1e-5)  # float32 numbers of up to 50


def test_matryoshka_is_matryoshka_loss_with_weights_that_add_up_to_one(sentence_transformers):
    from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss

    inputs, model = [random(N, DIM, seed=seed).requires_grad_() for seed in range(2)], Ready()
    inner = MultipleNegativesRankingLoss(model, scale=50.0)
    theirs = MatryoshkaLoss(model, inner, DIMS, [1 / 8, 2 / 8, 5 / 8])(single(*inputs), None)
    ours = matryoshka(lambda q, d: info_nce(cosine_scores(q, d), POSITIVES), *inputs, DIMS, (1, 2, 5))
    same_value_and_gradients(ours, theirs, inputs)


def test_cosent_is_cosent_loss(sentence_transformers):
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss

    inputs = [random(9, DIM, seed=seed).requires_grad_() for seed in range(2)]
    judged = torch.tensor([0.0, 0.2, 0.2, 1.0, 0.4, 0.0, 0.8, 1.0, 0.6])
    theirs = CoSENTLoss(Ready(), scale=20.0)(single(*inputs), judged)
    ours = cosent(torch.cosine_similarity(*inputs), judged, temperature=0.05)
    same_value_and_gradients(ours, theirs, inputs)
