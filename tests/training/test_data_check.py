"""What is wrong with training data is named by file and line before anything starts."""

import pickle

import pytest

from pagesight.engine.training.data.check import check, problems
from pagesight.engine.training.data.examples import Example, Picture, Text, piece_key
from pagesight.engine.training.data.layouts import open_source
from pagesight.storage.errors import BadTrainingData
from tests.helpers import text_image
from tests.training.data_files import lines, png


def opened(path, **options):
    return open_source(str(path), **options)


def test_each_fault_is_named_with_its_line(tmp_path):
    text_image("page").save(tmp_path / "page.png")
    (tmp_path / "torn.png").write_bytes(png("a")["bytes"][:20])
    text_image("thin", (300, 2)).save(tmp_path / "thin.png")
    good = {"image": "page.png"}
    path = lines(
        tmp_path / "a.jsonl",
        {"query": "q", "positive": good, "negatives": [good]},
        {"query": "  ", "positive": good},
        {"query": "q", "positive": []},
        {"query": "q", "positive": {"image": "gone.png"}},
        {"query": "q", "positive": {"image": "torn.png"}},
        {"query": "q", "positive": good, "negatives": [{"image": "thin.png"}]},
        {"query": "q", "positive": "a text"},
        {"query": "q"},
        {"query": "q", "positive": good},
    )
    faults = problems([opened(path)])
    expected = [
        (1, "a negative is one of the positives too"),
        (2, "the query is empty"),
        (3, "no positive"),
        (4, "gone.png: there is no such file"),
        (5, "torn.png: it is no picture"),
        (6, "a negative cannot be used: .*thin.png has 300 x 2 pixels"),
        (7, "a positive is a text where the others are pictures"),
        (8, "positive is missing; found: query"),
    ]
    for (number, text), fault in zip(expected, faults, strict=False):
        with pytest.raises(BadTrainingData, match=f"a.jsonl:{number}: .*{text}"):
            raise BadTrainingData([fault])
    assert "2 examples are there already" in faults[len(expected)]
    assert len(faults) == len(expected) + 1


def test_grades(tmp_path):
    path = tmp_path / "sts.tsv"
    path.write_text("sentence1\tsentence2\tscore\na\tb\t3\na\tb\tNaN\na\tb\tmuch\n\tb\t1\na\tb\n")
    assert problems([opened(path)]) == [
        f"{path}:3: the score is nan, which is no grade",
        f"{path}:4: the score 'much' is no number",
        f"{path}:5: the query is empty",
        f"{path}:6: expected 3 fields, got 2",
    ]
    pairs = lines(tmp_path / "pairs.jsonl", {"query": "a", "positive": "b"})
    assert "no grade among graded pairs" in problems([opened(pairs, kind="graded")])[0]


def test_twenty_are_shown_and_the_others_counted(tmp_path):
    path = lines(tmp_path / "a.jsonl", *({"query": "", "positive": "p"} for _ in range(27)))
    shown = problems([opened(path)])
    assert len(shown) == 21
    assert shown[-1] == "and 8 more"
    with pytest.raises(
        BadTrainingData, match=r"faults:\n(.*a.jsonl:\d+: the query is empty\n){20} *and 8 more$"
    ) as caught:
        check([opened(path)])
    assert caught.value.problems == shown


def test_a_column_that_is_nearly_ours_is_asked_about(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"query": "q", "positive": "p", "negativs": ["n"], "source": "s", "id": 1})
    assert problems([opened(path)]) == [f"{path}:1: the column 'negativs' is not known; is it 'negatives'?"]


def test_nothing_wrong_is_nothing_said_and_names_are_told_apart(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"query": "q", "positive": "p"})
    check([opened(path)])
    assert problems([opened(path), opened(path)]) == ["2 sources are named 'a'; give each a name of its own"]
    assert problems([opened(path), opened(path, name="b")]) == []


def test_a_picture_is_opened_upright_in_rgb_and_only_when_it_is_needed(tmp_path):
    from PIL import Image

    sideways = Image.new("L", (40, 20), 200)
    exif = sideways.getexif()
    exif[0x0112] = 6  # stored on its side
    sideways.save(tmp_path / "a.png", exif=exif)
    picture = Picture(path=str(tmp_path / "a.png"), key="a")
    assert (picture.open().size, picture.open().mode) == ((20, 40), "RGB")
    with pytest.raises(BadTrainingData, match="b: there is no such file"):
        Picture(path=str(tmp_path / "b.png"), key="b").open()
    with pytest.raises(ValueError, match="either a path or data"):
        Picture(key="c")


def test_equal_pieces_have_equal_keys_and_others_do_not():
    assert piece_key(Text("a ")) == piece_key(Text("a")) != piece_key(Text("b"))
    assert piece_key(Text("a")) != piece_key(Picture(path="a", key="a"))
    assert Example(Text("q"), (Text("p"),)) == Example(Text("q"), (Text("p"),))


def test_a_source_reaches_another_process_by_pickle(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"query": "q", "positive": "p"}, {"query": "r", "positive": "s"})
    source = opened(path)
    copied = pickle.loads(pickle.dumps(source))
    assert [copied[0], copied[1]] == [source[0], source[1]]


def test_a_picture_that_is_too_thin_to_be_read_is_said_before_training(tmp_path):
    from PIL import Image

    Image.new("RGB", (1005, 5)).save(tmp_path / "a.png")
    path = lines(tmp_path / "a.jsonl", {"query": "q", "positive": {"image": "a.png"}})
    (problem,) = problems([opened(path)])
    assert problem.endswith("a.png has 1005 x 5 pixels, too thin to be read")


def test_numbers_and_names_that_cannot_be_are_faults_of_their_rows(tmp_path):
    grades = tmp_path / "graded.jsonl"
    grades.write_text('{"sentence1": "a", "sentence2": "b", "score": %s}\n' % ("9" * 400))
    (problem,) = problems([opened(grades)])
    assert problem.endswith("9' is no number")
    page = {"pdf": "a\0.pdf", "page": 1}
    (problem,) = problems([opened(lines(tmp_path / "pages.jsonl", {"query": "q", "positive": page}))])
    assert "embedded null byte" in problem
