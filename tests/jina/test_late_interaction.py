"""The ColPali family through the same Encoder."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pagesight.engine import IndexConfig, ModelConfig, SearchEngine
from pagesight.engine.explain import on_page
from pagesight.engine.models import MODELS, load_model
from pagesight.engine.models.colpali.encoder import tiled_boxes
from pagesight.engine.models.verify import verify_folder
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import BadCheckpoint, ConfigError, EmptyQuery, UnreadableDocument
from pagesight.storage.values import PageWords
from tests.helpers import make_pdf
from tests.jina.late_checkpoints import DIM, make_colmodernvbert, make_colpali, make_colqwen2

MAKERS = {"colqwen2": make_colqwen2, "colpali": make_colpali, "colmodernvbert": make_colmodernvbert}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("late")
    torch.manual_seed(0)
    return {kind: make(root / kind) for kind, make in MAKERS.items()}


@pytest.fixture(scope="module", params=MAKERS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def encoder(folders, kind):
    return load_model(str(folders[kind]))


def page(width=300, height=400, number=1):
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
    return PageContent(
        number=number, width_pt=width, height_pt=height, words=PageWords.none(), text_source="none", image=pixels
    )


def test_vectors_are_those_of_transformers_own_class(folders, kind, encoder):
    """Pages of two shapes together; questions. ColQwen2's positions are checked below."""
    import transformers

    names = {"colqwen2": "ColQwen2", "colpali": "ColPali", "colmodernvbert": "ColModernVBert"}
    model = getattr(transformers, f"{names[kind]}ForRetrieval").from_pretrained(folders[kind]).eval()
    processor = transformers.AutoProcessor.from_pretrained(folders[kind])
    with torch.inference_mode():
        expected = model(**processor.process_queries(text=["which page?"])).embeddings[0].numpy()
        (query,) = encoder.encode_queries(["which page?"])
        np.testing.assert_allclose(query.tokens, expected, atol=1e-5)
        if kind == "colqwen2":
            return
        pages = [page(300, 400, 1), page(500, 200, 2), page(300, 400, 3)]
        for one, encoded in zip(pages, encoder.encode_pages(pages), strict=True):
            inputs = processor.process_images(images=[Image.fromarray(one.image)])
            inputs.pop("labels", None)
            np.testing.assert_allclose(encoded.tokens, model(**inputs).embeddings[0].numpy(), atol=1e-5)


def test_colqwen2_numbers_picture_positions_in_three_dimensions(folders):
    """As Qwen2-VL does by itself when it is given ids and pictures; its retrieval class gives it embeddings only."""
    from transformers import AutoProcessor, ColQwen2ForRetrieval

    model = ColQwen2ForRetrieval.from_pretrained(folders["colqwen2"]).eval()
    processor = AutoProcessor.from_pretrained(folders["colqwen2"])
    one = page(300, 400, 1)
    inputs = processor.process_images(images=[Image.fromarray(one.image)])
    with torch.inference_mode():
        hidden = model.vlm(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            pixel_values=inputs["pixel_values"].flatten(0, 1),
            image_grid_thw=inputs["image_grid_thw"],
            mm_token_type_ids=(inputs["input_ids"] == processor.image_token_id).int(),
        ).last_hidden_state
        expected = torch.nn.functional.normalize(model.embedding_proj_layer(hidden), dim=-1)[0].numpy()
    (encoded,) = load_model(str(folders["colqwen2"])).encode_pages([one])
    np.testing.assert_allclose(encoded.tokens, expected, atol=1e-5)


def test_a_batch_of_one_equals_a_batch_of_many(encoder):
    pages = [page(300, 400, 1), page(500, 200, 2), page(300, 400, 3)]
    for one, encoded in zip(pages, encoder.encode_pages(pages), strict=True):
        (alone,) = encoder.encode_pages([one])
        np.testing.assert_allclose(encoded.tokens, alone.tokens, atol=1e-5)
        assert np.array_equal(encoded.boxes, alone.boxes)


def test_picture_tokens_cover_the_page_and_the_prompt_is_nowhere(kind, encoder):
    (encoded,) = encoder.encode_pages([page(300, 400)])
    placed = on_page(encoded.boxes)
    assert 0 < len(placed) < len(encoded.tokens)
    boxes = encoded.boxes[placed]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    layers = 2 if kind == "colmodernvbert" else 1  # tiles, and the whole page, small
    assert areas.sum() == pytest.approx(layers, abs=1e-4)
    assert np.allclose(boxes[0, :2], 0)
    assert np.allclose(boxes[-1, 2:], 1)


def test_boxes_of_tiles():
    boxes = tiled_boxes(2, 3, 2)
    assert len(boxes) == (2 * 3 + 1) * 4
    np.testing.assert_allclose(boxes[0], [0, 0, 1 / 6, 1 / 4], atol=1e-6)
    np.testing.assert_allclose(boxes[4 * 5 + 3], [5 / 6, 3 / 4, 1, 1], atol=1e-6)  # the last token of the last tile
    np.testing.assert_allclose(boxes[-1], [0.5, 0.5, 1, 1], atol=1e-6)
    assert len(tiled_boxes(0, 0, 2)) == 4


def test_single_vectors_are_means(encoder):
    assert not encoder.trained_single
    assert encoder.single_dim == encoder.token_dim == DIM
    (encoded,) = encoder.encode_pages([page()])
    mean = encoded.tokens.mean(axis=0)
    np.testing.assert_allclose(encoded.single, mean / np.linalg.norm(mean), atol=1e-6)
    assert all(MODELS[name].pooled_single for name in MAKERS)


@pytest.mark.thorough
def test_the_whole_engine(folders, kind, tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["apples and pears in a basket", "quinces from the old garden"])
    Image.new("L", (500, 300), 128).save(tmp_path / "docs" / "b.png")
    with SearchEngine.open(tmp_path / "index", model=str(folders[kind])) as engine:
        outcomes = list(engine.index([tmp_path / "docs"], IndexConfig(n_processes=1)))
        assert [str(outcome.status) for outcome in outcomes] == ["indexed", "indexed"]
        hits = engine.search("apples", k=3)
        assert len(hits) == 3
        assert all(hit.regions for hit in hits)
    with SearchEngine.open(tmp_path / "index") as engine:
        assert [hit.name for hit in engine.search("apples", k=3)] == [hit.name for hit in hits]


def test_special_tokens_in_questions_are_broken_up(encoder):
    token = encoder._processor.image_token
    (query,) = encoder.encode_queries([f"which {token} page"])
    assert token not in query.token_texts


def test_wrong_inputs_answer_clearly(folders, kind, encoder):
    with pytest.raises(EmptyQuery):
        encoder.encode_queries([" ?"])
    with pytest.raises(ConfigError, match="has no choice of task, single_dim; leave it out"):
        load_model(str(folders[kind]), ModelConfig(task="code", single_dim=8))
    if kind == "colqwen2":
        with pytest.raises(UnreadableDocument, match=r"page 5: .*aspect ratio"):
            encoder.encode_pages([page(2, 900, 5)])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.pop("embedding_proj_layer.bias"), "missing_keys: embedding_proj_layer.bias"),
        (lambda t: t.update(odd=torch.zeros(3)), "unexpected_keys: odd"),
        (
            lambda t: t.update({"embedding_proj_layer.bias": torch.zeros(3)}),
            r"mismatched_keys: .*embedding_proj_layer\.bias",
        ),
    ],
)
def test_every_tensor_counts(tmp_path, change, problem):
    folder = make_colpali(tmp_path / "m")
    assert verify_folder(folder).kind == "colpali"
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadCheckpoint, match=problem):
        verify_folder(folder)
