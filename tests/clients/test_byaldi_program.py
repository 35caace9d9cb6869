"""The program of byaldi's README, with its import line and the model's name changed."""

import subprocess
import sys

from tests.helpers import make_pdf

PROGRAM = """
from byaldi import RAGMultiModalModel

RAG = RAGMultiModalModel.from_pretrained("vidore/colqwen2-v1.0")
RAG.index(
    input_path="docs/",
    index_name="my-index",
    store_collection_with_index=False,
    overwrite=True
)
results = RAG.search("quinces", k=3)
print(results[0].doc_id, results[0].page_num, results[0]["score"] > results[1]["score"], results[0].metadata)
RAG = RAGMultiModalModel.from_index("my-index")
RAG.add_to_index("more.pdf", store_collection_with_index=False, doc_id=1002, metadata={"type": "more"})
print(RAG.search("turnips", k=1)[0].dict() | {"score": 0})
print(RAG.get_doc_ids_to_file_names())
retriever = RAG.as_langchain_retriever(k=1)
print(retriever.invoke("turnips")[0].page_content)
"""


def test_it_runs(tmp_path):
    make_pdf(tmp_path / "docs" / "fruit.pdf", ["apples and pears", "quinces"])
    make_pdf(tmp_path / "more.pdf", ["turnips"])
    program = PROGRAM.replace("from byaldi", "from pagesight.engine.adapters.byaldi").replace(
        "vidore/colqwen2-v1.0", "hashing"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "0 2 True {}",
        "{'doc_id': 1002, 'page_num': 1, 'score': 0, 'metadata': {'type': 'more'}, 'base64': None}",
        f"{{0: '{tmp_path}/docs/fruit.pdf', 1002: '{tmp_path}/more.pdf'}}",
        "turnips",
    ]
