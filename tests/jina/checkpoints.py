"""Checkpoints of jina-embeddings-v4's layout, made or changed for tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.helpers import ROOT

FIXTURE = ROOT / "tests" / "data" / "tiny-jina-v4"  # with expected outputs of the public reference code
ADAPTERS = Path("adapters") / "adapter_model.safetensors"


def changed(folder: Path, file: str | Path, change: Callable[[dict], None]) -> Path:
    """A copy of the fixture in ``folder`` with one of its tensor files changed."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(FIXTURE, folder)
    tensors = load_file(folder / file)
    change(tensors)
    save_file(tensors, folder / file)
    return folder


def reconfigured(folder: Path, file: str | Path, **values: object) -> Path:
    """A copy of the fixture with values of one of its JSON files changed; None takes a value out."""
    shutil.copytree(FIXTURE, folder)
    config = {**json.loads((folder / file).read_text()), **values}
    (folder / file).write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
    return folder


SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
QWEN_SPLIT = (  # how Qwen2's tokenizer cuts text before it looks for pieces
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def make_tokenizer(path: Path) -> dict[str, int]:
    """A small tokenizer of Qwen2's kind in ``path``; the ids of its special tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder, tokenizer.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=False)
    texts = [
        "user",
        "Describe the image.",
        "Query: which page shows the turnover?",
        "Passage: the turnover of the year",
    ]
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts * 20, trainer)
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(path))
    return {name: tokenizer.token_to_id(name) for name in SPECIAL}


def make_checkpoint(
    folder: Path,
    *,
    seed: int = 0,
    shards: int = 1,
    hidden: int = 48,
    layers: int = 2,
    heads: int = 2,
    projector: int = 24,
    vision: int = 32,
    depth: int = 2,
    rank: int = 3,
    alpha: int = 6,
    mrope: tuple[int, int, int] = (4, 4, 4),
    matryoshka: tuple[int, ...] = (12, 24, 48),
    max_pixels: int = 602_112,
) -> Path:
    """A whole checkpoint of random weights in the hub's layout: weights, adapters, tokenizer, image processor."""
    import torch
    from safetensors.torch import save_file

    from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
    from pagesight.engine.models.jina_v4.model import expected_shapes, network_config

    (folder / "adapters").mkdir(parents=True)
    ids = make_tokenizer(folder / "tokenizer.json")
    rope = {"type": "default", "rope_type": "default", "mrope_section": list(mrope)}
    config = {
        "model_type": "qwen2_5_vl",
        "architectures": ["JinaEmbeddingsV4Model"],
        "torch_dtype": "bfloat16",
        "_attn_implementation": "flash_attention_2",
        "tie_word_embeddings": True,
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "vision_token_id": ids["<|vision_pad|>"],
        "multi_vector_projector_dim": projector,
        "single_vector_pool_strategy": "mean",
        "task_names": ["retrieval", "text-matching", "code"],
        "matryoshka_dims": list(matryoshka),
        "truncate_dim": None,
        "text_config": {
            "model_type": "qwen2_5_vl_text", "vocab_size": max(ids.values()) + 1, "hidden_size": hidden,
            "intermediate_size": 2 * hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": 1, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
            "rope_scaling": rope, "tie_word_embeddings": True, "sliding_window": None, "use_sliding_window": False,
            "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
        },
        "vision_config": {
            "model_type": "qwen2_5_vl", "depth": depth, "hidden_size": vision, "intermediate_size": 2 * vision, "num_heads": 2,
            "in_channels": 3, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112,
            "fullatt_block_indexes": [depth - 1], "out_hidden_size": hidden, "tokens_per_second": 2,
        },
    }  # fmt: skip
    preprocessor = {
        "image_processor_type": "Qwen2VLImageProcessorFast", "min_pixels": 3136, "max_pixels": max_pixels,
        "patch_size": 14, "merge_size": 2, "temporal_patch_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
    }  # fmt: skip
    adapters = {
        **json.loads((FIXTURE / "adapters" / "adapter_config.json").read_text()),
        "r": rank,
        "lora_alpha": alpha,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    (folder / "adapters" / "adapter_config.json").write_text(json.dumps(adapters))

    checkpoint = Checkpoint.open(folder)
    shapes = expected_shapes(network_config(checkpoint))
    random = torch.Generator().manual_seed(seed)

    def draw(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        spread = 1.0 if "embed" in name else 2 / max(1, shape[-1]) ** 0.5
        noise = torch.randn(shape, generator=random) * spread
        return (1 + 0.1 * noise if "norm" in name else noise).to(torch.bfloat16)

    weights = {old_name(name): draw(name, shape) for name, shape in shapes.items()}
    for number in range(shards):
        part = dict(list(weights.items())[number::shards])
        file = "model.safetensors" if shards == 1 else f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        save_file(part, folder / file, metadata={"format": "pt"})
    if shards > 1:
        files = {name: f"model-{i % shards + 1:05d}-of-{shards:05d}.safetensors" for i, name in enumerate(weights)}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    lora = {name: draw(name, shape) / 4 for name, shape in checkpoint._expected_adapters(shapes).items()}
    save_file(lora, folder / ADAPTERS, metadata={"format": "pt"})
    return folder


def old_name(name: str) -> str:
    """A tensor's name in the hub's files, from today's."""
    return name.removeprefix("model.") if name.startswith("model.visual.") else name.replace("language_model.", "")
