"""Clients of OpenAI, Jina and Cohere, as they are, pointed at our server."""

import numpy as np
import pytest

from pagesight.engine.models import load_model

TEXTS = ["apples and pears", "a bicycle for everybody", "the price of apples"]


def vectors(texts):
    return np.stack([query.single for query in load_model("hashing").encode_queries(texts)])


class TestOpenAI:
    @pytest.fixture
    def client(self, address, key):
        openai = pytest.importorskip("openai")
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
            yield client

    @pytest.mark.parametrize("how", [{}, {"encoding_format": "float"}], ids=["as it asks: base64", "float"])
    def test_embeddings(self, client, how):
        answer = client.embeddings.create(model="hashing", input=TEXTS, **how)
        np.testing.assert_allclose([row.embedding for row in answer.data], vectors(TEXTS), rtol=1e-6)
        assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0

    def test_dimensions_and_what_is_not_openais(self, client):
        answer = client.embeddings.create(
            model="hashing", input=TEXTS[0], dimensions=4, extra_body={"task": "retrieval.passage"}
        )
        assert len(answer.data[0].embedding) == 4

    def test_models(self, client):
        assert [model.id for model in client.models.list()] == ["hashing"]

    def test_errors_are_its_own(self, client, address):
        import openai

        with pytest.raises(openai.NotFoundError) as missing:
            client.embeddings.create(model="text-embedding-3-small", input="x")
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError, match="has no words") as bad:
            client.embeddings.create(model="hashing", input=["fine", "?"])
        assert bad.value.param == "input.1"
        with openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as other:
            with pytest.raises(openai.AuthenticationError):
                other.models.list()


class TestLangChainOpenAI:
    @pytest.fixture
    def embeddings(self, address, key):
        langchain_openai = pytest.importorskip("langchain_openai")

        def made(**how):
            return langchain_openai.OpenAIEmbeddings(
                model="hashing", base_url=f"{address}/v1", api_key=key, max_retries=0, **how
            )

        return made

    def test_texts(self, embeddings):
        made = embeddings(check_embedding_ctx_length=False)
        np.testing.assert_allclose(made.embed_documents(TEXTS), vectors(TEXTS), rtol=1e-6)
        np.testing.assert_allclose(made.embed_query(TEXTS[0]), vectors(TEXTS[:1])[0], rtol=1e-6)

    def test_token_ids_are_refused_with_what_to_do(self, address, key):
        """What it sends by default, made by hand: its tokenizer's vocabulary is on the net."""
        openai = pytest.importorskip("openai")
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
            with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
                client.embeddings.create(model="hashing", input=[[1820, 3430, 315]])


class TestCohere:
    @pytest.mark.parametrize("version", ["Client", "ClientV2"])
    def test_rerank(self, address, key, version):
        cohere = pytest.importorskip("cohere")
        client = getattr(cohere, version)(api_key=key, base_url=address)
        answer = client.rerank(model="hashing", query="price of apples", documents=TEXTS, top_n=2)
        assert [result.index for result in answer.results] == [2, 0]
        assert 1 >= answer.results[0].relevance_score > answer.results[1].relevance_score >= 0

    def test_errors_are_its_own(self, address, key):
        cohere = pytest.importorskip("cohere")
        from cohere.errors import NotFoundError, UnauthorizedError

        with pytest.raises(NotFoundError, match="there is no model"):
            cohere.ClientV2(api_key=key, base_url=address).rerank(model="rerank-v3.5", query="x", documents=["y"])
        with pytest.raises(UnauthorizedError):
            cohere.ClientV2(api_key="wrong", base_url=address).rerank(model="hashing", query="x", documents=["y"])


class TestJinaInHaystack:
    def test_texts_and_documents(self, address, key):
        jina = pytest.importorskip("haystack_integrations.components.embedders.jina")
        from haystack import Document
        from haystack.utils import Secret

        where = {"api_key": Secret.from_token(key), "model": "hashing", "base_url": f"{address}/v1/embeddings"}
        one = jina.JinaTextEmbedder(**where, task="retrieval.query").run(TEXTS[0])["embedding"]
        np.testing.assert_allclose(one, vectors(TEXTS[:1])[0], rtol=1e-6)
        documents = jina.JinaDocumentEmbedder(**where, progress_bar=False).run([Document(content=t) for t in TEXTS])
        np.testing.assert_allclose([d.embedding for d in documents["documents"]], vectors(TEXTS), rtol=1e-6)

    def test_reranker(self, address, key):
        jina = pytest.importorskip("haystack_integrations.components.rankers.jina")
        from haystack import Document
        from haystack.utils import Secret

        ranker = jina.JinaRanker(api_key=Secret.from_token(key), model="hashing", base_url=f"{address}/v1/rerank")
        ranked = ranker.run(query="price of apples", documents=[Document(content=text) for text in TEXTS])["documents"]
        assert [document.content for document in ranked] == [TEXTS[2], TEXTS[0], TEXTS[1]]
        assert ranked[0].score == 1

    def test_a_refusal_is_said(self, address, key):
        jina = pytest.importorskip("haystack_integrations.components.embedders.jina")
        from haystack.utils import Secret

        embedder = jina.JinaTextEmbedder(
            api_key=Secret.from_token(key), model="jina-embeddings-v9", base_url=f"{address}/v1/embeddings"
        )
        with pytest.raises(Exception, match="there is no model 'jina-embeddings-v9'"):
            embedder.run("x")


class TestJinaInLlamaIndex:
    def test_reranker(self, address, key):
        module = pytest.importorskip("llama_index.postprocessor.jinaai_rerank")
        from llama_index.core.schema import NodeWithScore, TextNode

        reranker = module.JinaRerank(api_key=key, model="hashing", base_url=f"{address}/v1", top_n=2)
        nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
        found = reranker.postprocess_nodes(nodes, query_str="price of apples")
        assert [node.text for node in found] == [TEXTS[2], TEXTS[0]]
