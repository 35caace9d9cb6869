"""Tiny random checkpoints of the ColPali family, with their processors, as transformers saves them."""

from __future__ import annotations

from pathlib import Path

from tests.jina.checkpoints import make_tokenizer

DIM = 16


def make_colqwen2(folder: Path) -> Path:
    from transformers import ColQwen2Config, ColQwen2ForRetrieval, ColQwen2Processor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer, ids = _tokenizer(folder)
    text = _text("qwen2_vl_text", max(ids.values()) + 1)
    text |= {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}}
    vision = {
        "model_type": "qwen2_vl_vision",
        "depth": 1,
        "embed_dim": 32,
        "hidden_size": 32,
        "num_heads": 2,
        "mlp_ratio": 2,
    }
    tokens = {
        "image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"],
    }  # fmt: skip
    vlm = {"model_type": "qwen2_vl", "text_config": text, "vision_config": vision, **tokens}
    images = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=50_176)
    model = ColQwen2ForRetrieval(ColQwen2Config(vlm_config=vlm, embedding_dim=DIM))
    return _save(folder, model, ColQwen2Processor(image_processor=images, tokenizer=tokenizer))


def make_colpali(folder: Path) -> Path:
    from transformers import ColPaliConfig, ColPaliForRetrieval, ColPaliProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    tokenizer, _ = _tokenizer(folder, extra_special_tokens={"image_token": "<|image_pad|>"})
    images = SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    processor = ColPaliProcessor(image_processor=images, tokenizer=tokenizer)
    vlm = {
        "model_type": "paligemma", "image_token_index": processor.image_token_id, "hidden_size": 32, "projection_dim": 32,
        "text_config": {**_text("gemma", len(processor.tokenizer)), "head_dim": 16, "pad_token_id": 0},
        "vision_config": {**_vision(56, 14), "projection_dim": 32, "vision_use_head": False},
    }  # fmt: skip
    return _save(folder, ColPaliForRetrieval(ColPaliConfig(vlm_config=vlm, embedding_dim=DIM)), processor)


def make_colmodernvbert(folder: Path) -> Path:
    from transformers import ColModernVBertConfig, ColModernVBertForRetrieval, ColModernVBertProcessor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    tokenizer, _ = _tokenizer(folder)
    images = Idefics3ImageProcessorPil(size={"longest_edge": 128}, max_image_size={"longest_edge": 32})
    processor = ColModernVBertProcessor(image_processor=images, tokenizer=tokenizer, image_seq_len=4)
    special = {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2}
    vlm = {
        "model_type": "modernvbert", "image_token_id": processor.image_token_id, "pixel_shuffle_factor": 2,
        "text_config": {**_text("modernbert", len(processor.tokenizer)), **special}, "vision_config": _vision(32, 8),
    }  # fmt: skip
    model = ColModernVBertForRetrieval(ColModernVBertConfig(vlm_config=vlm, embedding_dim=DIM))
    return _save(folder, model, processor)


def _tokenizer(folder: Path, **options: object):
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True)
    ids = make_tokenizer(folder / "tokenizer.json")
    names = {"pad_token": "<|endoftext|>", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **names, **options), ids


def _text(kind: str, vocabulary: int) -> dict:
    return {
        "model_type": kind, "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def _vision(size: int, patch: int) -> dict:
    return {
        "model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 2, "image_size": size, "patch_size": patch,
    }  # fmt: skip


def _save(folder: Path, model, processor) -> Path:
    import torch

    with torch.no_grad():
        random = torch.Generator().manual_seed(0)
        for weight in model.parameters():  # larger than transformers draws them, so that pages differ
            weight.add_(torch.randn(weight.shape, generator=random) * 0.2)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
