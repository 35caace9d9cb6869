"""Named pixel budgets of page pictures."""

BUDGETS = {
    "default": 602_112,  # 768 x 28 x 28: what jina-embeddings-v4 is shipped with, some 740 tokens a page
    "paper": 37_788_800,  # what its published benchmark figures were made with: pages are not shrunk
}
