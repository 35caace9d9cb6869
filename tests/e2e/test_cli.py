"""The command line as a user meets it: real processes, real files, the toy model."""

import json
import re

import pytest
from PIL import Image

from tests.helpers import make_pdf, run_cli

COMMANDS = (
    "index",
    "search",
    "show",
    "list",
    "info",
    "remove",
    "failures",
    "doctor",
    "models",
    "watch",
    "export",
    "import",
    "mcp",
    "serve",
)


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "docs"
    make_pdf(folder / "fruit.pdf", ["apples and pears in a basket", "quinces from the old garden"])
    make_pdf(folder / "sub" / "wheels.pdf", ["bicycles for the whole family"])
    make_pdf(folder / "locked.pdf", ["a secret"], encryption=5, user_pw="open", owner_pw="boss")
    return folder


@pytest.fixture(scope="module")
def index(docs):
    folder = docs.parent / "index"
    result = run_cli("--index", folder, "index", docs, "--model", "hashing")
    assert result.returncode == 1, result.stderr  # one file needs a password
    return folder


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_indexing_says_what_became_of_each_file(docs, tmp_path):
    result = run_cli("--index", tmp_path, "index", docs, "--model", "hashing")
    assert "indexed: fruit.pdf (2 pages)" in result.stderr
    assert "failed: locked.pdf: encrypted PDF: it needs a password (see --password)" in result.stderr
    assert re.search(r"2 files indexed \(3 pages, .* pages/s, .* s\), 1 failed", result.stdout)
    assert "see: pagesight failures" in result.stderr
    again = run_cli("--index", tmp_path, "index", docs, "--password", "open", "--json")
    assert again.returncode == 0
    assert {line["document"]: line["status"] for line in lines(again)}["locked.pdf"] == "indexed"


def test_search_prints_a_table_and_finds_with_exit_code_0(index):
    result = run_cli("--index", index, "search", "quinces", "-k", "2")
    assert result.returncode == 0, result.stderr
    head, first, *_ = result.stdout.splitlines()
    assert head.split() == ["#", "score", "document", "page", "snippet"]
    assert first.split()[0] == "1"
    assert "fruit.pdf" in first
    assert "quinces" in first


def test_json_has_the_documented_fields(index):
    hit = lines(run_cli("--index", index, "search", "quinces", "-k", "1", "--json"))[0]
    assert hit["rank"] == 1
    assert (hit["document"], hit["page"], hit["n_pages"]) == ("fruit.pdf", 2, 2)
    assert "quinces" in hit["snippet"]
    (region,) = hit["regions"][:1]
    x0, y0, x1, y1 = region["box"]
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert 0 < region["score"] <= 1
    assert "query_id" not in hit


@pytest.mark.parametrize("names", [("id", "query"), ("_id", "text")])
def test_many_questions_in_one_run(index, tmp_path, names):
    queries = tmp_path / "queries.jsonl"
    said = [("a", "quinces"), ("c", " ?! "), ("b", "bicycles")]
    queries.write_text("\n".join(json.dumps(dict(zip(names, pair, strict=True))) for pair in said) + "\n\n")
    result = run_cli("--index", index, "search", "--queries", queries, "-k", "1", "--json")
    assert "queries.jsonl, line 2: the query ' ?! ' has no words" in result.stderr
    hits = lines(result)
    assert [(hit["query_id"], hit["document"]) for hit in hits] == [("a", "fruit.pdf"), ("b", "sub/wheels.pdf")]


def test_filters_and_nothing_found_with_exit_code_1(index):
    result = run_cli("--index", index, "search", "quinces", "--filter", 'document ~ "sub/*"', "--json")
    assert [hit["document"] for hit in lines(result)] == ["sub/wheels.pdf"]
    none = run_cli("--index", index, "search", "quinces", "--filter", "page > 99")
    assert none.returncode == 1
    assert "nothing found" in none.stdout


@pytest.mark.thorough
def test_pictures_are_saved_with_matches_marked(index, tmp_path):
    result = run_cli("--index", index, "search", "quinces", "-k", "1", "--save-images", tmp_path / "pages")
    assert result.returncode == 0, result.stderr
    (picture,) = (tmp_path / "pages").iterdir()
    assert picture.name == "01-fruit-p2.png"
    with Image.open(picture) as image:
        assert image.convert("RGB").getpixel((0, 0)) != (255, 214, 10)
        assert any(blue < 200 < red for _, (red, _, blue) in image.convert("RGB").getcolors(1 << 22))
    shown = run_cli("--index", index, "show", "sub/wheels.pdf:1", "--query", "bicycles", "-o", tmp_path / "x.png")
    assert shown.stdout.strip() == str(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_listing_info_failures_models(index):
    assert [line["document"] for line in lines(run_cli("--index", index, "list", "--json"))] == [
        "fruit.pdf",
        "sub/wheels.pdf",
    ]
    assert "sub/wheels.pdf" in run_cli("--index", index, "list").stdout
    info = json.loads(run_cli("--index", index, "info", "--json").stdout)
    assert (info["n_documents"], info["n_pages"], info["n_failed_files"]) == (2, 3, 1)
    assert info["encoder"] == "hashing"
    assert "bytes per page" in run_cli("--index", index, "info").stdout
    (failure,) = lines(run_cli("--index", index, "failures", "--json"))
    assert (failure["document"], failure["status"]) == ("locked.pdf", "failed")
    assert "multilingual-e5-small (default)" in run_cli("models").stdout


def test_remove_asks_and_removes(docs, tmp_path):
    run_cli("--index", tmp_path, "index", docs / "fruit.pdf", "--model", "hashing", check=True)
    refused = run_cli("--index", tmp_path, "remove", "fruit.pdf")
    assert refused.returncode == 2
    assert "give --yes" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert run_cli("--index", tmp_path, "remove", "other.pdf", "--yes").returncode == 1
    removed = run_cli("--index", tmp_path, "remove", "*.pdf", "--yes")
    assert removed.stdout == "removed: fruit.pdf\n"
    assert run_cli("--index", tmp_path, "list").returncode == 1


@pytest.mark.thorough
def test_doctor_finds_damage_drops_it_and_the_next_run_reads_anew(docs, tmp_path):
    run_cli("--index", tmp_path, "index", docs / "fruit.pdf", "--model", "hashing", check=True)
    assert "1 document, 2 pages: healthy" in run_cli("--index", tmp_path, "doctor", check=True).stdout
    (segment,) = tmp_path.glob("tokens-*.seg")
    data = bytearray(segment.read_bytes())
    data[10] ^= 255
    segment.write_bytes(data)
    found = run_cli("--index", tmp_path, "doctor")
    assert found.returncode == 1
    assert "damaged: fruit.pdf" in found.stderr
    run_cli("--index", tmp_path, "doctor", "--drop-damaged", check=True)
    run_cli("--index", tmp_path, "index", docs / "fruit.pdf", check=True)
    assert "2 pages: healthy" in run_cli("--index", tmp_path, "doctor", check=True).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "x", "--filter", "page is 3"], "expected one of = != "),
        (["search", "x", "--filter", "colour = red"], "there is no such field"),
        (["search", " ?! "], "has no words"),
        (["search"], "give either a QUERY or --queries FILE"),
        (["search", "x", "-k", "0"], "is not in the range"),
        (["show", "fruit.pdf"], "is not DOCUMENT:PAGE"),
        (["show", "fruit.pdf:99"], "there is no page fruit.pdf:99"),
        (["remove"], "name what to remove"),
        (["index", "x", "--tag", "nonsense"], "is not NAME=VALUE"),
        (["index", "x", "--model", "all-MiniLM-L6-v2"], "the index was built with hashing"),
        (["index", "x", "--codec", "int5"], "there is no token codec 'int5'"),
        pytest.param(
            ["search", "x", "--score-on", "nowhere"],
            "the device 'nowhere' cannot be used here",
            marks=pytest.mark.thorough,  # loads torch
        ),
        (["nonsense"], "No such command"),
    ],
)
def test_mistakes_are_answered_in_one_line_with_exit_code_2(index, arguments, message):
    result = run_cli("--index", index, *arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_places_and_files_that_cannot_be_are_named(index, docs, tmp_path):
    (tmp_path / "queries.jsonl").write_bytes(b'\xff\xfe{"id"')
    (tmp_path / "file").touch()
    for arguments, message in (
        (["--index", index, "search", "--queries", tmp_path / "queries.jsonl"], "is not UTF-8 text"),
        (["--index", index, "search", "quinces", "--save-images", tmp_path / "file" / "x"], "Not a directory"),
        (["--index", tmp_path / "file" / "x", "index", docs, "--model", "hashing"], "cannot make the folder"),
    ):
        result = run_cli(*arguments)
        assert result.returncode in (1, 2)
        assert message in result.stderr
        assert "Traceback" not in result.stderr


def test_a_missing_index_says_how_to_make_one(tmp_path):
    result = run_cli("--index", tmp_path / "none", "search", "x")
    assert result.returncode == 2
    assert f"pagesight --index {tmp_path / 'none'} index FOLDER" in result.stderr
    assert not (tmp_path / "none").exists()


def test_a_missing_path_is_a_failure_of_that_path(tmp_path):
    result = run_cli("--index", tmp_path / "index", "index", tmp_path / "nothing.pdf", "--model", "hashing")
    assert result.returncode == 1
    assert "failed: nothing.pdf: there is no such file" in result.stderr


def test_the_index_is_found_upward_from_the_current_folder(docs, tmp_path):
    (tmp_path / ".pagesight").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    run_cli("index", docs / "fruit.pdf", "--model", "hashing", cwd=tmp_path, check=True)
    assert (tmp_path / ".pagesight" / "manifest.json").exists()
    assert run_cli("search", "quinces", "-k", "1", cwd=tmp_path / "a" / "b").returncode == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command):
    text = run_cli(command, "--help", check=True).stdout
    assert f"pagesight {command}" in text.split("Usage:", 1)[1].split("\n", 1)[1], "an example in the help"


def test_help_names_every_command():
    text = run_cli("--help", check=True).stdout
    assert all(re.search(rf"^  {command} ", text, re.MULTILINE) for command in COMMANDS)
    assert "0.1.0" in run_cli("--version").stdout


def test_a_name_that_nothing_can_have_is_a_mistake_of_the_user(tmp_path):
    result = run_cli("--index", tmp_path / ("a" * 300), "info")
    assert result.returncode == 2
    assert "is longer than names may be" in result.stderr
    assert "Traceback" not in result.stderr
