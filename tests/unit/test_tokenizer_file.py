"""Words are cut from the original files as the library that made them does."""

import base64
import json
import random

import numpy as np
import pytest

from pagesight.engine.models.words.multilingual_e5 import PACKED
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.tokenizer_file import FILE, normal_forms, read_vocabulary
from pagesight.engine.models.words.unigram import UnigramTokenizer
from pagesight.storage.errors import BadCheckpoint, WeightsMissing
from tests.e5_folder import compiled_normal_forms, write_tokenizer
from tests.unit.test_tokenizers import WORDS

pytestmark = pytest.mark.slow

SCRIPTS = {
    "Latin": "abcdefghijklmnopqrstuvwxyzäöüßéèçñøåıščžőąęłđ",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώς",
    "Cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєў",
    "Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "Hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "Devanagari": "अआइईउऊएऐकखगघचछजझटठडढणतथदधनपफबभमयरलवशसह",
    "Thai": "กขคงจฉชซญดตถทนบปผพฟมยรลวสหอ",
    "kana": "あいうえおかきくけこさしすせそアイウエオカキクケコ",
    "Chinese": "年度报告说明公司赚了多少钱文書検索語的是不了人我在有他",
    "Korean": "가나다라마바사아자차카타파하한국어문서검색",
    "figures": "0123456789.,-/%€$",
    "wide": "ＡＢＣａｂｃ１２３ｱｲｳﾊ①②Ⅷﬁﬂ²³µΩK",
}


@pytest.fixture(scope="module")
def packed():
    return PackedE5(PACKED.locate()).vocabulary()


@pytest.fixture(scope="module")
def folder(packed, tmp_path_factory):
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"), packed)


@pytest.fixture(scope="module")
def vocabulary(folder):
    return read_vocabulary(folder)


def test_pieces_and_scores_are_those_of_the_package(vocabulary, packed):
    assert vocabulary.pieces == packed.pieces
    np.testing.assert_allclose(vocabulary.scores, packed.scores, rtol=1e-6)
    assert vocabulary.unknown == packed.unknown


def test_normal_forms_are_those_of_the_package_which_an_older_unicode_had(vocabulary, packed):
    joiner = ord("\u200d")  # was a blank once
    changed = {code for code, text in packed.normal_forms.items() if vocabulary.normal_forms.get(code) != text}
    assert changed <= {joiner}
    assert len(vocabulary.normal_forms) > 4_800


def test_normal_forms_are_what_the_library_makes_of_each_character(vocabulary):
    from sentencepiece import SentencePieceNormalizer

    reference = SentencePieceNormalizer(
        rule_name="nmt_nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    draw = random.Random(3)
    codes = [*range(1, 0x3400), *range(0xF900, 0x10000), *draw.choices(range(0x10000, 0x20000), k=3_000)]
    for code in codes:
        assert vocabulary.normal_forms.get(code, chr(code)) == reference.normalize(chr(code)), hex(code)


def test_words_are_cut_as_the_library_cuts_them(folder, vocabulary):
    """All ids equal, in a dozen scripts. Runs of unknown characters are one piece there, and here one each.

    Letters with marks behind them are left out: the map has forms of such pairs, and we take those of characters alone.
    """
    from tokenizers import Tokenizer

    reference, ours = Tokenizer.from_file(str(folder / FILE)), UnigramTokenizer.of(vocabulary)
    draw = random.Random(7)
    made = [
        "".join(draw.choices(letters, k=draw.randint(1, 20))) for letters in SCRIPTS.values() for _ in range(400)
    ] + ["".join(draw.choices("".join(SCRIPTS.values()), k=draw.randint(1, 20))) for _ in range(400)]
    compared = 0
    for word in [*WORDS, *made]:
        if len(reference.normalizer.normalize_str(word).split()) != 1:
            continue  # becomes two words there
        theirs = reference.encode(word, add_special_tokens=False).ids
        found = [piece_id for piece_id, _ in ours.pieces(word)]
        alike = [a for a, b in zip(found, [None, *found], strict=False) if (a, b) != (vocabulary.unknown,) * 2]
        if alike != theirs:  # two ways with the same sum
            score = sum(vocabulary.scores[i] for i in alike)
            assert score == pytest.approx(sum(vocabulary.scores[i] for i in theirs), abs=1e-4), word
        else:
            compared += 1
    assert compared > 5_000


def changed(folder, tmp_path, change):
    described = json.loads((folder / FILE).read_text(encoding="utf-8"))
    described["model"]["vocab"] = described["model"]["vocab"][:100]
    change(described)
    (tmp_path / FILE).write_text(json.dumps(described), encoding="utf-8")
    return tmp_path


def test_a_map_beside_a_rule_for_blanks_is_read(folder, tmp_path, vocabulary):
    def wrap(described):
        blanks = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
        described["normalizer"] = {"type": "Sequence", "normalizers": [described["normalizer"], blanks]}

    assert read_vocabulary(changed(folder, tmp_path, wrap)).normal_forms == vocabulary.normal_forms


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.pop("model"), "not of a Unigram model as SentencePiece makes them: 'model'"),
        (lambda d: d["model"].update(vocab={"a": 1}), "not of a Unigram model"),
        (lambda d: d["model"].update(unk_id=None), "not of a Unigram model"),
        (lambda d: d["model"]["vocab"].pop(1), r"begins with the pieces \('<s>', '</s>'"),
        (lambda d: d.update(normalizer=None), "not of a Unigram model"),
        (lambda d: d.update(normalizer={"type": "Lowercase"}), r"normalised by \['Lowercase'\]"),
        (lambda d: d["normalizer"].update(precompiled_charsmap="?"), "not of a Unigram model"),
        (lambda d: d["normalizer"].update(precompiled_charsmap="AAAA"), "not of a Unigram model"),
    ],
)
def test_a_file_of_another_kind_is_refused(folder, tmp_path, change, problem):
    with pytest.raises(BadCheckpoint, match=problem):
        read_vocabulary(changed(folder, tmp_path, change))


def test_a_file_that_is_not_there_or_no_json(tmp_path):
    with pytest.raises(
        WeightsMissing, match=r"tokenizer\.json, which holds the model's vocabulary, cannot be read: No"
    ):
        read_vocabulary(tmp_path)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(BadCheckpoint, match=r"tokenizer\.json is not JSON"):
        read_vocabulary(tmp_path)


def test_a_damaged_map_ends_with_an_error_or_a_map():
    """Whatever the bytes are, in bounded time."""
    good, draw = compiled_normal_forms(), np.random.default_rng(5)
    for _ in range(20):
        bad = np.frombuffer(good, np.uint8).copy()
        bad[draw.integers(4, len(bad), 2_000)] = draw.integers(0, 256, 2_000)
        try:
            normal_forms(bad.tobytes())
        except (ValueError, IndexError):
            continue
    for cut in (b"", good[:3], good[:5000]):
        with pytest.raises((ValueError, IndexError)):
            normal_forms(cut)
    assert base64.b64decode(base64.b64encode(good)) == good
