"""The pocket model before it has learnt anything: jina-embeddings-v4's own layout and classes, small, with random weights.

python -m benchmarks.pocket.checkpoint WORK OUT
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

VOCABULARY = 30_000
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
           "<|image_pad|>", "<|video_pad|>")  # fmt: skip
HIDDEN, PROJECTOR = 256, 128
MATRYOSHKA = (32, 64, 128, 256)
MAX_PIXELS = 1_304_576  # 1,664 tokens of 28 x 28: 11-point type of an A4 page has an x-height of 8 pixels


def make_tokenizer(texts: Iterable[str], path: Path) -> dict[str, int]:
    """A byte-level BPE as Qwen's, learnt from our texts. Returns the ids of its control tokens."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(CONTROL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in CONTROL])
    tokenizer.save(str(path))
    return {name: tokenizer.token_to_id(name) for name in CONTROL}


def config(ids: dict[str, int]) -> dict[str, Any]:
    """config.json: Qwen2.5-VL in small, windows of 224 pixels in all vision blocks."""
    return {
        "model_type": "qwen2_5_vl",
        "architectures": ["JinaEmbeddingsV4Model"],
        "torch_dtype": "float32",
        "tie_word_embeddings": True,
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "vision_token_id": ids["<|vision_pad|>"],
        "multi_vector_projector_dim": PROJECTOR,
        "single_vector_pool_strategy": "mean",
        "task_names": ["retrieval", "text-matching", "code"],
        "matryoshka_dims": list(MATRYOSHKA),
        "truncate_dim": None,
        "text_config": {
            "model_type": "qwen2_5_vl_text", "vocab_size": max(ids.values()) + 1, "hidden_size": HIDDEN,
            "intermediate_size": 704, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "rope_theta": 1e4,
            "rope_scaling": {"type": "default", "rope_type": "default", "mrope_section": [8, 12, 12]},
            "initializer_range": 0.05, "tie_word_embeddings": True, "sliding_window": None, "use_sliding_window": False,
            "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
        },
        "vision_config": {
            "model_type": "qwen2_5_vl", "depth": 4, "hidden_size": 160, "intermediate_size": 448, "num_heads": 5,
            "in_channels": 3, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 224,
            "fullatt_block_indexes": [], "out_hidden_size": HIDDEN, "tokens_per_second": 2,
            "initializer_range": 0.05,
        },
    }  # fmt: skip


PREPROCESSOR = {
    "image_processor_type": "Qwen2VLImageProcessorFast", "min_pixels": 3136, "max_pixels": MAX_PIXELS,
    "patch_size": 14, "merge_size": 2, "temporal_patch_size": 2,
    "image_mean": [1.0, 1.0, 1.0], "image_std": [1.0, 1.0, 1.0],  # paper is 0, so that gradients are of ink
}  # fmt: skip
ADAPTERS = {
    "peft_type": "LORA", "task_type": "FEATURE_EXTRACTION", "r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "bias": "none",
    "init_lora_weights": "gaussian", "exclude_modules": ".*visual.*", "inference_mode": True,
    "target_modules": "(.*(model).*(down_proj|gate_proj|up_proj|k_proj|q_proj|v_proj|o_proj).*$|.*(multi_vector_projector).*$)",
}  # fmt: skip


def make(work: Path, folder: Path, *, seed: int = 0) -> None:
    """Write the untrained checkpoint. Its adapters add nothing yet."""
    (folder / "adapters").mkdir(parents=True, exist_ok=True)
    rows = map(json.loads, (work / "passages.jsonl").read_text().splitlines())
    ids = make_tokenizer((row["text"] for row in rows if row["split"] == "train"), folder / "tokenizer.json")
    (folder / "config.json").write_text(json.dumps(config(ids), indent=1))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=1))
    (folder / "adapters" / "adapter_config.json").write_text(json.dumps(ADAPTERS, indent=1))

    import torch

    from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
    from pagesight.engine.models.jina_v4.model import Network, network_config

    torch.manual_seed(seed)
    network = Network(network_config(Checkpoint.open(folder)))
    write_weights(folder, network.state_dict(), adapters=True)


def write_weights(folder: Path, weights: dict[str, Any], *, adapters: bool = False) -> None:
    """model.safetensors, and adapters that add nothing."""
    import torch
    from safetensors.torch import save_file

    from pagesight.engine.models.jina_v4.checkpoint import Checkpoint

    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors")
    if adapters:
        random = torch.Generator().manual_seed(1)
        shapes = Checkpoint.open(folder)._expected_adapters({name: tuple(t.shape) for name, t in weights.items()})
        made = {
            name: torch.randn(shape, generator=random) / shape[0] if ".lora_A." in name else torch.zeros(shape)
            for name, shape in shapes.items()
        }
        save_file(made, folder / "adapters" / "adapter_model.safetensors")


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
