"""Late interaction is its definition, whatever the block, and so is its gradient; its memory is bounded."""

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from pagesight.engine.training.late import Ragged, late_pairs, late_scores

DIM = 3
sides = st.lists(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(st.integers(-2, 2), min_size=DIM, max_size=DIM), min_size=n, max_size=n)
    ),
    min_size=1,
    max_size=5,
)


def ragged(side):
    """Small whole numbers: products are exact, and many are equal."""
    return Ragged.of([torch.tensor(rows, dtype=torch.float64) for rows in side])


def unit(generator, n, dim=8, dtype=torch.float64):
    return torch.nn.functional.normalize(torch.randn(n, dim, dtype=dtype, generator=generator), dim=1)


def definition(queries, documents, gradient):
    """Scores, and the gradients of (scores * gradient).sum(), token by token."""
    scores = np.zeros((len(queries), len(documents)))
    to_queries = [np.zeros((len(query), DIM)) for query in queries]
    to_documents = [np.zeros((len(document), DIM)) for document in documents]
    for i, query in enumerate(queries):
        for j, document in enumerate(documents):
            for t, token in enumerate(query):
                products = [sum(a * b for a, b in zip(token, other, strict=True)) for other in document]
                best = products.index(max(products))
                scores[i, j] += products[best]
                to_queries[i][t] += gradient[i, j] * np.array(document[best])
                to_documents[j][best] += gradient[i, j] * np.array(token)
    return scores, np.concatenate(to_queries), np.concatenate(to_documents)


@settings(deadline=None)
@given(sides, sides, st.sampled_from([1, 50, 200, 1 << 20]), st.randoms(use_true_random=False))
def test_scores_and_gradients_are_the_definition_for_every_block(queries, documents, block_bytes, random):
    gradient = np.array([[random.randint(-3, 3) for _ in documents] for _ in queries], np.float64)
    scores, to_queries, to_documents = definition(queries, documents, gradient)
    q, d = ragged(queries), ragged(documents)
    q.vectors.requires_grad_()
    d.vectors.requires_grad_()
    got = late_scores(q, d, normalise=False, block_bytes=block_bytes)
    got.backward(torch.from_numpy(gradient))
    np.testing.assert_array_equal(got.detach().numpy(), scores)
    np.testing.assert_array_equal(q.vectors.grad.numpy(), to_queries)
    np.testing.assert_array_equal(d.vectors.grad.numpy(), to_documents)


@settings(deadline=None, max_examples=20)
@given(sides, sides)
def test_a_score_is_divided_by_the_number_of_query_tokens(queries, documents):
    lengths = torch.tensor([[len(query)] for query in queries])
    sums = late_scores(ragged(queries), ragged(documents), normalise=False)
    torch.testing.assert_close(late_scores(ragged(queries), ragged(documents)), sums / lengths, rtol=1e-12, atol=0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(sides, sides).map(lambda two: (two[0][0], two[1][0])), min_size=1, max_size=4), st.booleans())
def test_pairs_are_the_diagonal_with_its_gradient(pairs, normalise):
    queries, documents = (ragged(side) for side in zip(*pairs, strict=True))
    inputs = (queries.vectors.requires_grad_(), documents.vectors.requires_grad_())
    weights = torch.arange(1.0, len(pairs) + 1, dtype=torch.float64)
    found, expected = (
        (scores, torch.autograd.grad((scores * weights).sum(), inputs))
        for scores in (
            late_pairs(queries, documents, normalise=normalise),
            late_scores(queries, documents, normalise=normalise).diagonal(),
        )
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_the_gradient_agrees_with_finite_differences():
    generator = torch.Generator().manual_seed(1)
    q = Ragged.of([unit(generator, n, 4) for n in (3, 1, 2)])
    d = Ragged.of([unit(generator, n, 4) for n in (5, 1, 4)])
    inputs = (q.vectors.requires_grad_(), d.vectors.requires_grad_())
    for block_bytes in (1, 1 << 20):

        def scores(queries, documents, block_bytes=block_bytes):
            return late_scores(Ragged(queries, q.lengths), Ragged(documents, d.lengths), block_bytes=block_bytes)

        assert torch.autograd.gradcheck(scores, inputs)


def test_only_the_side_that_learns_gets_a_gradient():
    generator = torch.Generator().manual_seed(2)
    q, d = Ragged.of([unit(generator, 3)]), Ragged.of([unit(generator, 4), unit(generator, 2)])
    d.vectors.requires_grad_()
    late_scores(q, d).sum().backward()
    assert q.vectors.grad is None
    assert (d.vectors.grad != 0).any()
    assert not late_scores(q, d.detach()).requires_grad


def test_a_document_may_score_below_zero_beside_a_longer_one():
    """Padding with zeros would lift it to 0."""
    against, longer = torch.tensor([[-0.6, 0, 0]]), torch.full((5, DIM), -0.9)
    scores = late_scores(Ragged.of([torch.tensor([[1.0, 0, 0]])]), Ragged.of([against, longer]))
    torch.testing.assert_close(scores, torch.tensor([[-0.6, -0.9]]))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_scored_in_single(dtype):
    generator = torch.Generator().manual_seed(3)
    q, d = (Ragged.of([unit(generator, n, 64).to(dtype) for n in lengths]) for lengths in ([9, 4], [20, 31]))
    q.vectors.requires_grad_()
    exact = late_scores(Ragged(q.vectors.detach().double(), q.lengths), Ragged(d.vectors.double(), d.lengths))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = late_scores(q, d)
        scores.sum().backward()
        pairs = late_pairs(q, d)
    assert scores.dtype == pairs.dtype == torch.float32
    torch.testing.assert_close(pairs, scores.diagonal(), rtol=0, atol=1e-6)
    assert q.vectors.grad.dtype == dtype
    torch.testing.assert_close(scores.double(), exact, rtol=0, atol=1e-6)


def test_autocast_changes_neither_scores_nor_gradients():
    generator = torch.Generator().manual_seed(5)
    q, d = (Ragged.of([unit(generator, n, 64, torch.float32) for n in lengths]) for lengths in ([9, 4], [20, 31]))
    inputs = (q.vectors.requires_grad_(), d.vectors.requires_grad_())
    expected = late_scores(q, d)
    expected_gradients = torch.autograd.grad(expected.square().sum(), inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = late_scores(q, d)
        gradients = torch.autograd.grad(scores.square().sum(), inputs)
    assert torch.equal(scores, expected)
    torch.testing.assert_close(gradients, expected_gradients, rtol=0, atol=1e-6)


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors made inside that are alive at once, in the forward pass and in the backward pass."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self._known = weakref.WeakSet()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {tensor.untyped_storage() for tensor in args if isinstance(tensor, torch.Tensor)}
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage not in given and storage not in self._known:
                    self._known.add(storage)
                    self._count(storage.nbytes())
                    weakref.finalize(storage, self._count, -storage.nbytes())
        return result

    def _count(self, n_bytes):
        self.now += n_bytes
        self.peak = max(self.peak, self.now)


@pytest.mark.parametrize(
    ("query_lengths", "document_lengths", "dim", "block_bytes"),
    [
        ([10] * 64, [1000] * 64, 64, 16 << 20),  # questions and pages of a batch: all products are 164 MB
        ([1000] * 8, [1000] * 8, 32, 4 << 20),  # pages and pages: all products are 256 MB
        ([300, 200], [40, 20_000, 7], 16, 1 << 20),  # a long one: all its products are 40 MB
    ],
)
def test_memory_is_bounded_by_the_block(query_lengths, document_lengths, dim, block_bytes):
    generator = torch.Generator().manual_seed(4)
    q, d = (
        Ragged(unit(generator, sum(lengths), dim, torch.float32), torch.tensor(lengths))
        for lengths in (query_lengths, document_lengths)
    )
    n_q, n_d = sum(query_lengths), sum(document_lengths)
    q.vectors.requires_grad_()
    d.vectors.requires_grad_()
    with LiveBytes() as live:
        late_scores(q, d, block_bytes=block_bytes).sum().backward()
    gradients = 4 * dim * (n_q + n_d)
    kept = 4 * n_q * len(document_lengths)
    copy = 4 * dim * n_q
    assert (
        gradients < live.peak < gradients + 3 * kept + copy + 1.05 * max(block_bytes, 4 * max(document_lengths), copy)
    )
    products = 4 * n_q * n_d
    assert live.peak < products / 2


def test_ragged_comes_from_rows_and_from_padding_on_either_side():
    rows = [torch.ones(2, DIM), 2 * torch.ones(3, DIM)]
    padded = torch.full((2, 3, DIM), 9.0)
    padded[0, 1:], padded[1] = rows[0], rows[1]
    mask = torch.tensor([[0, 1, 1], [1, 1, 1]])
    for side in (Ragged.of(rows), Ragged.from_padded(padded, mask)):
        assert len(side) == 2
        assert side.lengths.tolist() == [2, 3]
        torch.testing.assert_close(side.vectors, torch.cat(rows))
    both = Ragged.cat([Ragged.of(rows), Ragged.of(rows[:1])])
    assert both.lengths.tolist() == [2, 3, 2]
    torch.testing.assert_close(both.vectors, torch.cat([*rows, rows[0]]))


@pytest.mark.parametrize(
    ("vectors", "lengths", "message"),
    [
        (torch.ones(2, DIM), torch.tensor([2, 0]), "number 1 has no token vectors"),
        (torch.ones(2, DIM), torch.tensor([1]), "lengths add up to 1, but there are 2 token vectors"),
        (torch.ones(2), torch.tensor([2]), r"token vectors must be \(n_tokens, dim\), got shape \(2,\)"),
        (torch.ones(2, DIM), torch.tensor([2.0]), r"lengths must be \(n,\) int64, got shape \(1,\), torch.float32"),
    ],
)
def test_what_is_no_ragged_side_is_refused(vectors, lengths, message):
    with pytest.raises(ValueError, match=message):
        Ragged(vectors, lengths)


def test_other_mistakes_are_refused():
    with pytest.raises(ValueError, match="at least one tensor"):
        Ragged.of([])
    with pytest.raises(ValueError, match="number 0 has no token vectors"):
        Ragged.from_padded(torch.ones(2, 2, DIM), torch.tensor([[0, 0], [1, 0]]))
    one, wider = Ragged.of([torch.ones(1, 3)]), Ragged.of([torch.ones(1, 4)])
    for scores in (late_scores, late_pairs):
        with pytest.raises(ValueError, match="queries of 3 and documents of 4 dimensions"):
            scores(one, wider)
    with pytest.raises(ValueError, match="1 queries and 2 documents make no pairs"):
        late_pairs(one, Ragged.cat([one, one]))
