"""What training minimises: plain functions of vectors and scores, each with its equation of arXiv:2506.18902.

A temperature divides scores in [-1, 1]: of cosines, or of late interaction divided by the query's length (eq. 2). Where
the paper leaves something open, the docstring says what was chosen. Everything is computed in float32 (in float64 for
float64 vectors), also under autocast, and every loss is a scalar on the device of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, normalize

from pagesight.engine.training.late import Ragged, exact_dtype, late_scores, without_autocast


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of one batch in the joint loss, scalars, none below 0."""

    dense: Tensor  # InfoNCE over cosines of single vectors, the mean over the Matryoshka widths
    late: Tensor  # InfoNCE over late interaction
    divergence: Tensor  # of the dense distribution over the documents from the late one


def cosine_scores(queries: Tensor, documents: Tensor) -> Tensor:
    """s_dense, the cosine of each query with each document: (n, dim), (m, dim) -> (n, m) in [-1, 1].

    Vectors need not have unit length; one of zeros has cosine 0 with all others.
    """
    dtype = exact_dtype(queries, documents)
    with without_autocast(queries):
        return normalize(queries.to(dtype), dim=1) @ normalize(documents.to(dtype), dim=1).T


def info_nce(scores: Tensor, positives: Tensor, *, temperature: float = 0.02, excluded: Tensor | None = None) -> Tensor:
    """InfoNCE from query to document (eq. 3, 4): the mean over i of -ln softmax(scores[i] / temperature)[positives[i]].

    scores: (n, m), higher is better. positives: (n,) int64, the column of each query's own document. excluded: (n, m)
    bool, documents that answer a query without being its own, and so are no negatives of it: they leave the
    denominator; at the positive itself it counts for nothing. In [0, inf).

    With hard negatives this is L_NCE+: the columns are the positives p_1..p_n of the batch and then all its negatives,
    n_1,1..n_m,n, `positives` is arange(n), and the denominator of row r adds up, over every row i of the batch,
    exp(s(q_r, p_i) / temperature) and exp(s(q_r, n_j,i) / temperature) for each of its negatives j. Rows need not
    have equally many.

    The paper prints a sum over rows. The mean has the same minimum, and leaves learning rate and term weights what they
    are when the batch grows.
    """
    logits = scores.to(exact_dtype(scores)) / temperature
    if excluded is not None:
        logits = logits.masked_fill(_without_positives(excluded, positives), -torch.inf)
    return cross_entropy(logits, positives)


def divergence(
    dense: Tensor,
    late: Tensor,
    *,
    temperature: float = 0.02,
    detach_late: bool = True,
    excluded: Tensor | None = None,
) -> Tensor:
    """L_D (eq. 5): the mean over rows of KL(softmax(dense / temperature) || softmax(late / temperature)), in [0, inf).

    dense, late: (n, m) scores of the same queries and documents, late ones divided by the query's length (eq. 2).
    excluded: (n, m) bool, documents left out of both distributions; each row must keep one. detach_late: the late
    scores are a target and get no gradient, so that the single vector learns from the multi-vectors and does not pull
    them down. No stop-gradient is printed in the paper; False takes it by the letter. The mean instead of a sum as in
    info_nce.
    """
    dtype = exact_dtype(dense, late)
    dense, late = dense.to(dtype) / temperature, (late.detach() if detach_late else late).to(dtype) / temperature
    if excluded is not None:
        dense, late = dense.masked_fill(excluded, -torch.inf), late.masked_fill(excluded, -torch.inf)
    dense, late = log_softmax(dense, dim=1), log_softmax(late, dim=1)
    ratio = dense - late
    if excluded is not None:
        ratio = ratio.masked_fill(excluded, 0)  # 0 ln(0 / 0), which counts 0
    return (dense.exp() * ratio).sum(dim=1).mean()


def matryoshka(
    loss: Callable[[Tensor, Tensor], Tensor],
    queries: Tensor,
    documents: Tensor,
    dims: Sequence[int],
    weights: Sequence[float] | None = None,
) -> Tensor:
    """The weighted mean of a loss over vectors cut to their first `dims` numbers, normalised again (arXiv:2205.13147).

    loss: takes (n, dim) and (m, dim) rows of unit length. queries: (n, width), documents: (m, width). dims: rising, the
    last one the full width, or the vector that is not cut would go untrained. weights: one for each of dims, 1 without.
    The mean and not the sum, so that the number of widths does not weigh against the other terms of a joint loss.
    Raises ValueError for other dims or weights.
    """
    width, weights = queries.shape[1], list(weights) if weights is not None else [1.0] * len(dims)
    if not dims or dims[0] < 1 or dims[-1] != width or any(a >= b for a, b in pairwise(dims)):
        raise ValueError(f"the widths must rise to that of the vectors, {width}, got {list(dims)}")
    if len(weights) != len(dims) or min(weights) < 0 or sum(weights) == 0:
        raise ValueError(
            f"there must be a weight of 0 or more for each of {len(dims)} widths, one above 0, got {weights}"
        )
    dtype = exact_dtype(queries, documents)
    queries, documents = queries.to(dtype), documents.to(dtype)
    terms = [
        weight * loss(normalize(queries[:, :dim], dim=1), normalize(documents[:, :dim], dim=1))
        for dim, weight in zip(dims, weights, strict=True)
    ]
    return torch.stack(terms).sum() / sum(weights)


def joint_terms(
    single_queries: Tensor,
    single_documents: Tensor,
    multi_queries: Ragged,
    multi_documents: Ragged,
    positives: Tensor,
    *,
    matryoshka_dims: Sequence[int],
    matryoshka_weights: Sequence[float] | None = None,
    temperature: float = 0.02,
    detach_late: bool = True,
    excluded: Tensor | None = None,
) -> Terms:
    """The three terms of one batch, of text or of pictures, in the joint loss (eq. 6).

    single_queries: (n, width), single_documents: (m, width). multi_queries, multi_documents: the token vectors of the
    same n queries and m documents, rows of unit length. positives: (n,) int64. excluded: (n, m) bool or None, as in
    info_nce, and taken out of the divergence, too. With hard negatives the documents are all positives and then all
    negatives of the batch, and positives is arange(n): both InfoNCE terms are then L_NCE+ (its formula is at
    info_nce).

    Matryoshka acts on the dense InfoNCE, with the full width as the last of its dims; the divergence is that of the
    full width alone. Raises ValueError for widths as in matryoshka.
    """
    if excluded is not None:
        excluded = _without_positives(excluded, positives)
    late = late_scores(multi_queries, multi_documents)
    dense = cosine_scores(single_queries, single_documents)
    return Terms(
        dense=matryoshka(
            lambda queries, documents: info_nce(
                cosine_scores(queries, documents), positives, temperature=temperature, excluded=excluded
            ),
            single_queries,
            single_documents,
            matryoshka_dims,
            matryoshka_weights,
        ),
        late=info_nce(late, positives, temperature=temperature, excluded=excluded),
        divergence=divergence(dense, late, temperature=temperature, detach_late=detach_late, excluded=excluded),
    )


def joint_loss(
    text: Terms | None, pictures: Terms | None, weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
) -> Tensor:
    """L_joint (eq. 6): w1 dense + w2 late + w3 divergence of the text batch, and w4..w6 the same of the picture batch.

    A batch that is not there (None) adds nothing. The paper gives no weights; 1 each takes it at its plainest.
    Raises ValueError without any batch, and for other than six weights.
    """
    if len(weights) != 6:
        raise ValueError(f"the joint loss has six weights, got {len(weights)}")
    halves = [(text, weights[:3]), (pictures, weights[3:])]
    terms = [
        weight * term
        for half, three in halves
        if half is not None
        for weight, term in zip(three, (half.dense, half.late, half.divergence), strict=True)
    ]
    if not terms:
        raise ValueError("the joint loss needs a text batch, a picture batch, or both")
    return torch.stack(terms).sum()


def cosent(scores: Tensor, grades: Tensor, *, temperature: float = 0.05) -> Tensor:
    """CoSENT: ln(1 + sum of exp((scores[j] - scores[i]) / temperature) over all i, j with grades[i] > grades[j]).

    scores: (n,), of n pairs of texts, in [-1, 1]. grades: (n,), how alike they were judged to be, on any scale: only
    their order counts. In [0, inf); exactly 0, and still with a gradient (of zeros), if all grades are equal. Su 2022
    (https://kexue.fm/archives/8847), Huang et al. 2024 (doi:10.1109/TASLP.2024.3402087). The paper prints the summand
    as (exp(s_2) - exp(s_1)) / temperature, which the sources of CoSENT do not. Memory: n x n numbers.
    """
    logits = scores.to(exact_dtype(scores)) / temperature
    differences = logits[None, :] - logits[:, None]
    wrong_way = differences.masked_fill(~(grades[:, None] > grades[None, :]), -torch.inf)
    return torch.cat([logits.new_zeros(1), wrong_way.flatten()]).logsumexp(dim=0)  # exp(0) is the 1


def _without_positives(excluded: Tensor, positives: Tensor) -> Tensor:
    return excluded.scatter(1, positives[:, None], value=False)
