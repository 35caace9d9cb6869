"""Files with an object a line are read as JSON means them, whoever wrote them."""

import json

import pytest

from pagesight.engine.cli.output import echo_json
from pagesight.engine.evaluation.trec import read_qrels
from pagesight.engine.json_lines import id_in, json_lines, text_in, whole
from pagesight.storage.errors import DatasetError

ODD = "what\u2028is\u2029an\u0085end"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_is_passed_over_and_only_a_line_feed_ends_a_line(tmp_path, end):
    path = tmp_path / "queries.jsonl"
    line = json.dumps({"query": ODD}, ensure_ascii=False)
    path.write_bytes(f"\ufeff{line}{end}{end}{line}".encode())
    assert list(json_lines(path)) == [(1, {"query": ODD}), (3, {"query": ODD})]


@pytest.mark.parametrize(("content", "message"), [(b"1\n{", "line 2: "), (b"\xff", "is not UTF-8 text")])
def test_what_cannot_be_read_is_named(tmp_path, content, message):
    (tmp_path / "queries.jsonl").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        list(json_lines(tmp_path / "queries.jsonl"))


def test_what_is_no_text_is_not_made_one():
    assert (id_in({"id": 7}, "_id", "id"), id_in({"_id": "a", "id": 7}, "_id", "id")) == ("7", "a")
    for value in (None, True, 1.5, [], {}):
        for read in (id_in, text_in):
            with pytest.raises(TypeError, match=f"id is {json.dumps(value)}".replace("[", r"\[")):
                read({"id": value}, "id")


def test_a_number_that_is_not_whole_is_not_made_one():
    assert [whole(value) for value in (2, 2.0, "2", "2.0", -1)] == [2, 2, 2, 2, -1]
    for value in (1.5, "1.5", float("inf"), "nan", None, "x", [], 10**400):
        with pytest.raises(ValueError, match=r"is no (whole )?number"):
            whole(value)


def test_judgments_may_begin_with_a_mark(tmp_path):
    (tmp_path / "qrels").write_bytes("\ufeffq1 0 a.pdf:1 1\n".encode())
    assert read_qrels(tmp_path / "qrels") == {"q1": {"a.pdf:1": 1}}


def test_numbers_that_json_lacks_are_null(capsys):
    echo_json({"mean": float("nan"), "high": [float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"mean": None, "high": [None, 1.5]}
