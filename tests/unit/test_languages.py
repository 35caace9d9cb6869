"""What tells languages apart is found from parallel texts and taken out of vectors."""

import numpy as np

from pagesight.engine.models.words.languages import (
    N_DIRECTIONS,
    PARALLEL_TEXTS,
    language_directions,
    recipe_digest,
    without,
)

DIM = 32


def encode_with_a_bias(texts):
    """Token vectors of a text: random, the same for the sentence of this number in each language, plus a bias of the language."""
    (language, sentences) = next((name, list(known)) for name, known in PARALLEL_TEXTS.items() if texts[0] in known)
    bias = np.random.default_rng(list(PARALLEL_TEXTS).index(language)).standard_normal(DIM)
    drawn = [np.random.default_rng(1000 + sentences.index(text)).standard_normal((6, DIM)) + 3 * bias for text in texts]
    return [(tokens / np.linalg.norm(tokens, axis=1, keepdims=True)).astype(np.float32) for tokens in drawn]


def test_each_language_has_the_same_number_of_different_texts():
    assert {len(set(texts)) for texts in PARALLEL_TEXTS.values()} == {8}
    assert len({text for texts in PARALLEL_TEXTS.values() for text in texts}) == 8 * len(PARALLEL_TEXTS)


def test_directions_are_orthonormal():
    directions = language_directions(encode_with_a_bias)
    assert directions.shape == (N_DIRECTIONS, DIM)
    np.testing.assert_allclose(directions @ directions.T, np.eye(N_DIRECTIONS), atol=1e-5)


def test_what_is_left_has_nothing_along_the_directions_and_languages_are_closer():
    directions = language_directions(encode_with_a_bias)
    english, german = (
        np.concatenate(encode_with_a_bias(PARALLEL_TEXTS[language])).astype(np.float32) for language in ("en", "de")
    )
    left = without(english, directions)
    np.testing.assert_allclose(left @ directions.T, 0, atol=1e-5)
    before = np.linalg.norm(english.mean(axis=0) - german.mean(axis=0))
    after = np.linalg.norm(left.mean(axis=0) - without(german, directions).mean(axis=0))
    assert after < 0.8 * before


def test_the_recipe_is_part_of_the_identity(monkeypatch):
    before = recipe_digest()
    monkeypatch.setattr("pagesight.engine.models.words.languages.N_DIRECTIONS", 3)
    assert recipe_digest() != before
