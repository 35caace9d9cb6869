"""A second opinion by a cross-encoder: real ones of transformers and ONNX, tiny and randomly initialised."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from pagesight import SearchConfig, SearchEngine
from pagesight.engine.cli.explained import sum_of
from pagesight.engine.evaluation.folder import read_folder
from pagesight.engine.evaluation.run import AskConfig, ask
from pagesight.engine.reranker import Reranker
from pagesight.engine.reranker.pairs import BATCH_TOKENS, MOST_WINDOWS, batches
from pagesight.engine.reranker.table import load_reranker
from pagesight.errors import BadReranker, ConfigError
from tests.helpers import ROOT, run_cli, words

WORDS = (
    "apple quince lime kiwi fig date pump valve seal filter water pressure hotel train night city paper letter".split()
)
MOST = 40  # tokens of a pair
PAGES = [" ".join(np.random.default_rng(i).choice(WORDS, 6 + 20 * (i % 4))) for i in range(14)]


def save_tokenizer(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))


def network(n_labels=1):
    torch.manual_seed(n_labels)
    config = BertConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MOST,
        num_labels=n_labels,
        initializer_range=1.0,
        attn_implementation="eager",
    )
    return BertForSequenceClassification(config).eval()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rerankers") / "tiny"
    network().save_pretrained(folder)
    save_tokenizer(folder)
    return folder


class Logits(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, ids, mask, types):
        return self.network(input_ids=ids, attention_mask=mask, token_type_ids=types).logits


@pytest.fixture(scope="module")
def onnx_folder(tmp_path_factory, classifier):
    folder = tmp_path_factory.mktemp("onnx") / "tiny-onnx"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(classifier / name, folder)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = torch.tensor([[2, 5, 3, 6, 3], [2, 5, 3, 3, 0]])
    given = (example, torch.tensor([[1] * 5, [1] * 4 + [0]]), torch.tensor([[0, 0, 0, 1, 1]] * 2))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        torch.onnx.export(
            Logits(network()),
            given,
            str(folder / "model.onnx"),
            input_names=names,
            output_names=["logits"],
            dynamic_axes={name: {0: "pairs", 1: "tokens"} for name in names},
            dynamo=False,
        )
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    docs, folder = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("index") / "index"
    for i, text in enumerate(PAGES):
        (docs / f"{i:02}.txt").write_text(text)
    relevant = [{"document": "03.txt", "page": 1}]
    (docs / "queries.jsonl").write_text(json.dumps({"id": "a", "query": "apple valve", "relevant": relevant}) + "\n")
    with SearchEngine.open(folder, model="hashing") as engine:
        engine.index(sorted(docs.glob("*.txt")))
    return docs, folder


def by_hand(model, question, page):
    """The definition: every window of the page with the question, one at a time; the best counts."""
    ids = {word: i + 4 for i, word in enumerate(WORDS)}
    asked = [ids[word] for word in question.split()][: MOST // 2]
    text = [ids[word] for word in page.split()]
    room, step = MOST - len(asked) - 3, MOST - len(asked) - 3 - MOST // 8
    starts = [0]
    while starts[-1] + room < len(text):
        starts.append(starts[-1] + step)
    scores = []
    for start in starts[:MOST_WINDOWS]:
        window = text[start : start + room]
        pair = torch.tensor([[2, *asked, 3, *window, 3]])
        types = torch.tensor([[0] * (len(asked) + 2) + [1] * (len(window) + 1)])
        with torch.inference_mode():
            logits = model(input_ids=pair, attention_mask=torch.ones_like(pair), token_type_ids=types).logits[0]
        scores.append(float(logits[-1] - (logits[0] if len(logits) == 2 else 0)))
    return max(scores)


@pytest.mark.parametrize("question", ["apple valve", " ".join(WORDS * 3)])
def test_scores_are_those_of_the_definition(classifier, question):
    found = load_reranker(classifier).scores(question, [words(page) for page in PAGES])
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([by_hand(network(), question, page) for page in PAGES], abs=1e-4)
    assert len({round(score, 3) for score in found.tolist()}) > len(PAGES) // 2  # they tell pages apart


def test_of_two_labels_the_second_counts_against_the_first(tmp_path):
    network(2).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    found = load_reranker(tmp_path).scores("apple valve", [words(page) for page in PAGES])
    assert found.tolist() == pytest.approx([by_hand(network(2), "apple valve", page) for page in PAGES], abs=1e-4)


def test_an_onnx_export_says_the_same(classifier, onnx_folder):
    pages = [words(page) for page in PAGES]
    expected = load_reranker(classifier).scores("lime water", pages)
    np.testing.assert_allclose(load_reranker(onnx_folder).scores("lime water", pages), expected, atol=1e-4)


@pytest.mark.parametrize("folder", ["classifier", "onnx_folder"])
def test_the_first_pages_are_in_the_rerankers_order_and_keep_their_scores(request, index, folder):
    folder = request.getfixturevalue(folder)
    with SearchEngine.open(index[1]) as engine:
        plain = engine.search("apple valve", k=14)
    with SearchEngine.open(index[1], reranker=folder) as engine:
        found = engine.search("apple valve", k=14, second_opinion=8)
        few = engine.search("apple valve", k=2, second_opinion=8)
    texts = {f"{i:02}.txt": page for i, page in enumerate(PAGES)}
    opinions = {hit.document: by_hand(network(), "apple valve", texts[hit.document]) for hit in plain[:8]}
    assert [hit.document for hit in found[:8]] == sorted(opinions, key=lambda name: -opinions[name])
    assert [hit.document for hit in found[8:]] == [hit.document for hit in plain[8:]]
    assert [hit.document for hit in few] == [hit.document for hit in found[:2]]
    assert [hit.rank for hit in found] == list(range(1, 15))
    assert {hit.document: hit.score for hit in found} == {hit.document: hit.score for hit in plain}
    for hit in found[:8]:
        assert hit.parts[-1].name == "second opinion"
        assert hit.parts[-1].score == pytest.approx(opinions[hit.document], abs=1e-4)
        assert sum(part.score for part in hit.parts[:-1]) == pytest.approx(hit.score, abs=1e-4)
        assert "second" not in sum_of(hit)
    assert all(part.name != "second opinion" for hit in found[8:] for part in hit.parts)


def test_off_nothing_changes(index, classifier):
    with SearchEngine.open(index[1]) as engine, SearchEngine.open(index[1], reranker=classifier) as other:
        assert engine.reranker is None
        plain = engine.search("apple valve", k=5)
        assert other.search("apple valve", k=5, second_opinion=0) == plain
        assert [part.name for hit in plain for part in hit.parts] == ["MaxSim"] * 5


def test_anybodys_reranker_serves(index):
    class Backwards(Reranker):
        name = "backwards"

        def scores(self, question, pages):
            assert question == "apple valve"
            return np.arange(len(pages), dtype=np.float32)

    with SearchEngine.open(index[1]) as engine, SearchEngine.open(index[1], reranker=Backwards()) as other:
        plain = engine.search("apple valve", k=10)
        assert [hit.page_id for hit in other.search("apple valve", k=10, second_opinion=4)] == [
            plain[i].page_id for i in (3, 2, 1, 0, *range(4, 10))
        ]


def test_each_of_several_questions_has_its_own_opinion(index, classifier):
    with SearchEngine.open(index[1], reranker=classifier) as engine:
        hits = engine.search("apple valve? hotel water?", k=6)
        alone = [engine.search(question, k=1)[0].document for question in ("apple valve?", "hotel water?")]
    assert [hit.document for hit in hits[: len(set(alone))]] == list(dict.fromkeys(alone))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_evaluation_runs_are_in_the_rerankers_order(index, classifier):
    docs, folder = index
    with SearchEngine.open(folder, reranker=classifier) as engine:
        hits = engine.search("apple valve", k=10)
    with SearchEngine.open(folder) as engine:
        answers = ask(engine, read_folder(docs), AskConfig(n_exact=0, reranker=classifier))
    run = answers.run["a"]
    assert sorted(run, key=lambda item: -run[item])[:10] == [f"{hit.document}:1" for hit in hits]
    assert "second opinion" in answers.seconds


@pytest.mark.slow
def test_from_the_command_line(index, classifier):
    arguments = ("--index", index[1], "search", "apple valve", "-k", "3", "--reranker", classifier)
    here = {"PYTHONPATH": str(ROOT / "src")}
    explained = run_cli(*arguments, "--explain", check=True, **here)
    assert "second opinion" in explained.stdout
    assert explained.stderr == ""
    hits = [json.loads(line) for line in run_cli(*arguments, "--json", check=True, **here).stdout.splitlines()]
    with SearchEngine.open(index[1], reranker=classifier) as engine:
        assert [hit["document"] for hit in hits] == [hit.document for hit in engine.search("apple valve", k=3)]
    wrong = run_cli(*arguments[:-1], index[0], **here)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "is not a usable checkpoint: it has no config.json" in wrong.stderr


@pytest.mark.thorough
def test_a_server_has_one_for_all_its_searches(index, classifier):
    pytest.importorskip("fastapi")
    from pagesight.engine.server.settings import ServerSettings
    from tests.server.conftest import opened

    with SearchEngine.open(index[1], reranker=classifier) as engine:
        expected = [hit.document for hit in engine.search("apple valve", k=4)]
    with opened(ServerSettings(indexes={"index": str(index[1])}, reranker=classifier)) as client:
        answer = client.post("/api/search", json={"query": "apple valve", "k": 4}).json()
    hits = answer["results"][0]["hits"]
    assert [hit["document"] for hit in hits] == expected
    assert all(hit["parts"][-1]["name"] == "second opinion" for hit in hits)
    assert "second opinion" in answer["milliseconds"]


def damaged(folder, name, content):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, "it has no config.json"),
        ("config.json", b"{", "config.json cannot be read"),
        ("config.json", b"[]", "config.json is no JSON object"),
        (
            "config.json",
            b'{"architectures": ["Qwen2VLForConditionalGeneration"]}',
            "names Qwen2VLForConditionalGeneration",
        ),
        ("config.json", b"{}", "names no architecture"),
        ("tokenizer.json", None, "it has no tokenizer.json"),
        ("tokenizer.json", b"{}", "tokenizer.json cannot be read"),
        ("model.safetensors", None, "no file named"),
        ("model.onnx", b"no graph", "model.onnx cannot be loaded"),
    ],
)
def test_a_folder_that_is_no_reranker_is_told(tmp_path, classifier, name, content, message):
    folder = shutil.copytree(classifier, tmp_path / "copy")
    damaged(folder, name, content)
    with pytest.raises(BadReranker, match=message):
        SearchEngine.open(tmp_path / "index", reranker=folder)


def test_there_must_be_such_a_folder(tmp_path):
    with pytest.raises(BadReranker, match="there is no such folder"):
        SearchEngine.open(tmp_path / "index", reranker=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="second_opinion must be from 0 to 1000, not -1"):
        SearchConfig(second_opinion=-1)


def test_a_classifier_of_other_things_is_told(tmp_path):
    network(5).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(BadReranker, match="one or two numbers a pair, not 5"):
        load_reranker(tmp_path).scores("apple", [words("lime")])


@pytest.mark.parametrize("lengths", [[], [7], [512] * 20, [5000, 3], list(range(1, 300))])
def test_batches_hold_each_pair_once_and_no_more_tokens_than_one_pair_or_the_limit(lengths):
    found = [batch.tolist() for batch in batches(lengths)]
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= BATCH_TOKENS
