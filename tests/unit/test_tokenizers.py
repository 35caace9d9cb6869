"""Words are cut as the models' own tokenizers cut them."""

import random

import pytest

from pagesight.engine.models.words.minilm import load as load_minilm
from pagesight.engine.models.words.multilingual_e5 import PACKED
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.unigram import BLANK, CONTROL, UnigramTokenizer

WORDS = (
    "retrieval Straße Donaudampfschifffahrtsgesellschaft naïve l'entreprise 12,345.67 OR3471 2026-11-24 C++ e-mail@x.org "
    "检索文档 日本語の文書 한국어 Привет مرحبا ελληνικά ไทย 𝒳 😀 … ﬁle Ⅷ ½ x² ①"
).split()


@pytest.fixture(scope="module")
def vocabulary():
    return PackedE5(PACKED.locate()).vocabulary()


@pytest.fixture(scope="module")
def tokenizer(vocabulary):
    return UnigramTokenizer.of(vocabulary)


@pytest.mark.thorough
def test_unigram_cuts_like_sentencepiece(vocabulary, tokenizer):
    """The reference is given the same pieces and no normalisation of its own; words go in as we normalise them."""
    from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    kinds = {"<unk>": 2, **dict.fromkeys(CONTROL - {"<unk>"}, 3)}
    for piece, log_probability in zip(vocabulary.pieces, vocabulary.scores.tolist(), strict=True):
        model.pieces.add(piece=piece, score=log_probability, type=kinds.get(piece, 1))
    model.trainer_spec.model_type = 1  # Unigram
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = True
    reference = SentencePieceProcessor(model_proto=model.SerializeToString())
    letters = "abcdefghijklmnopqrstuvwxyzäöüßéèçñ0123456789-'文書検索"
    draw = random.Random(7)
    made = ["".join(draw.choices(letters, k=draw.randint(1, 24))) for _ in range(500)]
    for word in [*WORDS, *made]:
        normal = word.translate(vocabulary.normal_forms).replace(" ", "")
        ours = [piece_id for piece_id, _ in tokenizer.pieces(word)]
        theirs = reference.encode(normal)
        assert score(vocabulary, ours) == pytest.approx(score(vocabulary, theirs), abs=1e-3), word
        if reference.unk_id() not in theirs:  # runs of unknown characters are one piece there
            assert "".join(vocabulary.pieces[i] for i in ours) == BLANK + normal


def score(vocabulary, ids):
    """Sum of log probabilities, without unknown pieces, which each implementation prices in its own way."""
    return sum(float(vocabulary.scores[i]) for i in ids if i != vocabulary.unknown)


@pytest.mark.parametrize("text", ["<s>", "</s>", "a<mask>b", "<pad>"])
def test_text_that_looks_like_a_control_piece_is_text(vocabulary, tokenizer, text):
    assert not {vocabulary.pieces[piece_id] for piece_id, _ in tokenizer.pieces(text)} & CONTROL


def test_the_text_of_the_pieces_is_the_word(tokenizer):
    assert "".join(text for _, text in tokenizer.pieces("Donaudampfschifffahrt")) == "Donaudampfschifffahrt"


def test_a_word_of_any_length_is_cut_in_bounded_time(tokenizer):
    assert 0 < len(tokenizer.pieces("x" * 1_000_000)) <= 1001


def test_rare_pieces_weigh_more(tokenizer):
    the, leipzig = (tokenizer.pieces(word)[0][0] for word in ("the", "Leipzig"))
    assert 1 <= tokenizer.weight(the) < tokenizer.weight(leipzig)
    assert tokenizer.weight(tokenizer.pieces("𓀀")[-1][0]) >= tokenizer.weight(leipzig)


def test_wordpieces_are_lower_case_and_weigh_the_same():
    tokenizer = load_minilm(threads=1)._tokenizer
    pieces = tokenizer.pieces("Leipzig's")
    assert "".join(text for _, text in pieces) == "leipzig's"
    assert {tokenizer.weight(piece_id) for piece_id, _ in pieces} == {1.0}
