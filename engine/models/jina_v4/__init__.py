"""jina-embeddings-v4 on stock transformers and peft: Qwen2.5-VL, three task adapters, single vectors and multi-vectors.

Günther et al. 2025, "jina-embeddings-v4: Universal Embeddings for Multimodal Multilingual Retrieval", arXiv:2506.18902.

    checkpoint   the files: configuration, tensor names, completeness
    model        the network: both kinds of vectors from one forward pass
    inputs       prompts, tokens, pictures, batches
    embedder     encode_text and encode_image, as the reference has them
    encoder      pages and questions for the search engine
    verify       a checkpoint against expected outputs
"""
