"""byaldi: a program written for ``byaldi.RAGMultiModalModel`` runs with its import line changed.

    from pagesight.engine.adapters.byaldi import RAGMultiModalModel

    RAG = RAGMultiModalModel.from_pretrained("vidore/colqwen2-v1.0")
    RAG.index(input_path="docs/", index_name="attention")
    results = RAG.search("What is the loss?", k=3)

The index is one of ours, in ``index_root/index_name``. Numbers and metadata of documents are kept as its tags, so that they are committed
like everything else. Pictures are drawn from the files when they are asked for; nothing is kept in memory.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pagesight.engine.adapters.hits import as_base64
from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig, ModelConfig
from pagesight.engine.indexing import found_files, location_of
from pagesight.engine.searcher import Searcher, open_searcher
from pagesight.storage.errors import ConfigError
from pagesight.storage.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.encoder import Encoder
    from pagesight.engine.results import SearchHit
    from pagesight.storage.stored import StoredDocument

ID_TAG, METADATA_TAG, PICTURES_TAG = "byaldi.doc_id", "byaldi.metadata", "byaldi.pictures"
PICTURES_FOLDER = "pictures"  # in the index: of pictures that were given without a file
_MODELS = (("vidore/colqwen2", "colqwen2"), ("vidore/colpali", "colpali"), ("vidore/colmodernvbert", "colmodernvbert"))


Fields = dict[str, Any]


@dataclass(slots=True)
class Result:
    """A page. doc_id: from 0. page_num: from 1. base64: PNG, if it was asked for; it is drawn when the search is done."""

    doc_id: int | str
    page_num: int
    score: float
    metadata: Fields = field(default_factory=dict)
    base64: str | None = None

    def dict(self) -> Fields:
        """As a dictionary."""
        return {name: getattr(self, name) for name in ("doc_id", "page_num", "score", "metadata", "base64")}

    def __getitem__(self, name: str) -> Any:
        return self.dict()[name]


class RAGMultiModalModel:
    """See the module. Made by ``from_pretrained`` or ``from_index``."""

    def __init__(self, searcher: Searcher | None, model: str | None, device: str, root: Path, verbose: int) -> None:
        self._searcher, self._model, self._device, self._root, self._verbose = searcher, model, device, root, verbose

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        index_root: str = ".byaldi",
        device: str = "cuda",
        verbose: int = 1,
    ) -> Self:
        """A model of ours by its name, a folder of its files, or the name of byaldi's on the hub. device "cuda": if there is one."""
        name = str(pretrained_model_name_or_path)
        known = next((ours for theirs, ours in _MODELS if name.startswith(theirs)), name)
        return cls(None, known, device, Path(index_root), verbose)

    @classmethod
    def from_index(
        cls, index_path: str | Path, index_root: str = ".byaldi", device: str = "cuda", verbose: int = 1
    ) -> Self:
        """An index by its name below ``index_root``, by its folder, or by the address of a server, which is only read."""
        text = str(index_path)
        if text.startswith(("http://", "https://")):
            return cls(open_searcher(text), None, device, Path(index_root), verbose)
        below = Path(index_root) / text
        made = cls(None, None, device, Path(index_root), verbose)
        made._searcher = made._open(below if (below / MANIFEST_NAME).exists() else Path(text))
        made._searcher.totals()  # raises StoreNotFound now
        return made

    def index(
        self,
        input_path: str | Path,
        index_name: str | None = None,
        doc_ids: Sequence[int] | None = None,
        store_collection_with_index: bool = False,
        overwrite: bool = False,
        metadata: Sequence[Fields] | None = None,
        max_image_width: int | None = None,  # noqa: ARG002 - the model decides what it looks at
        max_image_height: int | None = None,  # noqa: ARG002
        **_: Any,
    ) -> dict[int, str]:
        """Index a file or folder under a new name. Returns the names of files by their numbers.

        Raises ValueError for no name, a name that exists unless ``overwrite``, numbers or metadata that are not one a document.
        """
        if index_name is None:
            raise ValueError("index_name must be given")
        folder = self._root / index_name
        if (folder / MANIFEST_NAME).exists():
            if not overwrite:
                raise ValueError(
                    f"there is an index {index_name!r} already; say overwrite=True, or from_index() to use it"
                )
            self._close()
            _remove_index(folder)
        self._searcher = self._open(folder)
        return self._add([Path(input_path)], store_collection_with_index, doc_ids, metadata)

    def add_to_index(
        self,
        input_item: str | Path | Image.Image | Sequence[str | Path | Image.Image],
        store_collection_with_index: bool = False,
        doc_id: int | Sequence[int] | None = None,
        metadata: Fields | Sequence[Fields] | None = None,
    ) -> dict[int, str]:
        """Index more: files, folders, pictures, or a list of them. Raises ValueError as ``index``."""
        single = not isinstance(input_item, Sequence) or isinstance(input_item, str)
        items: list[Any] = [input_item] if single else list(input_item)  # type: ignore[arg-type]
        paths = [Path(item) if isinstance(item, str | Path) else self._keep_picture(item) for item in items]
        doc_ids = [doc_id] if isinstance(doc_id, int) else doc_id
        described = [metadata] if isinstance(metadata, dict) else metadata
        return self._add(paths, store_collection_with_index, doc_ids, described)

    def search(
        self,
        query: str | Sequence[str],
        k: int = 10,
        filter_metadata: Fields | None = None,
        return_base64_results: bool | None = None,
    ) -> list[Result] | list[list[Result]]:
        """The best ``k`` pages of one query, or of each of several.

        filter_metadata: documents with one of these values. return_base64_results: default as the documents were indexed.
        """
        searcher, documents = self._open_searcher(), self._documents()
        filters = None
        if filter_metadata:
            wanted = [
                doc_id
                for doc_id, document in documents.items()
                if any(_metadata(document).get(name) == value for name, value in filter_metadata.items())
            ]
            filters = (
                f"tag.{ID_TAG} in ({', '.join(f'{one}' for one in wanted)})" if wanted else f'tag.{ID_TAG} = "none"'
            )
        # Not by name: files in several folders may share one.
        by_content = {document.sha256: (doc_id, document) for doc_id, document in documents.items()}

        def answer(text: str) -> list[Result]:
            hits = searcher.search(text, k=k, filters=filters)
            return [
                self._result(hit, *by_content[hit.sha256], return_base64_results)
                for hit in hits
                if hit.sha256 in by_content
            ]

        return answer(query) if isinstance(query, str) else [answer(text) for text in query]

    def get_doc_ids_to_file_names(self) -> dict[int, str]:
        """Names of files by the numbers of documents."""
        return {doc_id: _file_name(document) for doc_id, document in sorted(self._documents().items())}

    def remove_from_index(self, doc_id: int) -> None:
        """Take a document out. Raises ValueError for a number that is not there."""
        document = self._documents().get(doc_id)
        if document is None:
            raise ValueError(f"there is no document {doc_id}")
        with self._engine().store.writer() as writer:
            writer.remove_names([os.fsencode(location) for location in document.locations])

    def encode_query(self, query: str | Sequence[str]) -> list[Any]:
        """Token vectors of queries: (n_tokens, dim) float32 each, as torch tensors where torch is installed."""
        texts = [query] if isinstance(query, str) else list(query)
        return [_tensor(encoded.tokens) for encoded in self._encoder().encode_queries(texts)]

    def encode_image(self, input_data: Image.Image | Sequence[Image.Image]) -> list[Any]:
        """Token vectors of pictures, likewise. Raises BadInput if the model reads words."""
        from pagesight.engine.embedding import embed_pictures

        pictures: list[Any] = list(input_data) if isinstance(input_data, Sequence) else [input_data]
        embedded = embed_pictures(self._encoder(), [picture.convert("RGB") for picture in pictures])
        return [_tensor(one.tokens) for one in embedded]

    def as_langchain_retriever(self, **kwargs: Any) -> Any:
        """LangChain's retriever over this index; ``k`` and others as PagesightRetriever has them."""
        from pagesight.engine.adapters.langchain import PagesightRetriever

        return PagesightRetriever(searcher=self._open_searcher(), **kwargs)

    def _add(
        self,
        paths: Sequence[Path],
        pictures: bool,
        doc_ids: Sequence[int] | None,
        metadata: Sequence[Fields] | None,
    ) -> dict[int, str]:
        """Index, then number what has no number yet. Killed in between, the next call numbers it."""
        engine, taken = self._engine(), self._documents()
        files = [location_of(found) for found in found_files(paths, IndexConfig())]
        for given, what in ((doc_ids, "doc_ids"), (metadata, "metadata")):
            if given is not None and len(given) != len(files):
                raise ValueError(f"{what} has {len(given)} items for {len(files)} files")
        if doc_ids is not None and (len(set(doc_ids)) != len(doc_ids) or set(doc_ids) & taken.keys()):
            raise ValueError("doc_ids have to be numbers that no other document has")
        summary = engine.index(paths, IndexConfig())
        if self._verbose:
            for outcome in summary.failed:
                print(f"not indexed: {outcome.source.path}: {outcome.reason}")  # noqa: T201 - as byaldi does
        by_location = {location: document for document in engine.documents() for location in document.locations}
        numbers = iter(doc_ids) if doc_ids is not None else itertools.count(max(taken, default=-1) + 1)
        done = set()
        with engine.store.writer() as writer:
            for i, location in enumerate(files):
                document = by_location.get(location)
                known = document is None or ID_TAG in document.tags or document.sha256 in done
                if known and doc_ids is None:
                    continue
                number = next(numbers)
                if document is None or known:
                    continue
                tags = {ID_TAG: str(number), PICTURES_TAG: "yes" if pictures else "no"}
                if metadata is not None:
                    tags[METADATA_TAG] = json.dumps(metadata[i])
                writer.set_tags(document.sha256, tags)
                done.add(document.sha256)
        return self.get_doc_ids_to_file_names()

    def _documents(self) -> dict[int, StoredDocument]:
        searcher = self._open_searcher()
        if isinstance(searcher, SearchEngine) and not (Path(searcher.address) / MANIFEST_NAME).exists():
            return {}
        found = searcher.documents()
        numbered = {int(d.tags[ID_TAG]): d for d in found if ID_TAG in d.tags}
        if not numbered and found:  # made by somebody else: numbered in order of names
            numbered = dict(enumerate(found))
        return numbered

    def _result(self, hit: SearchHit, doc_id: int, document: StoredDocument, with_picture: bool | None) -> Result:
        wanted = document.tags.get(PICTURES_TAG) == "yes" if with_picture is None else with_picture
        picture = self._picture(hit) if wanted else None
        return Result(doc_id, hit.page, hit.score, _metadata(document), picture)

    def _picture(self, hit: SearchHit) -> str:
        out = io.BytesIO()
        for picture in self._open_searcher().pictures([replace(hit, regions=())]):
            picture.save(out, "PNG")
        return as_base64(out.getvalue())

    def _keep_picture(self, picture: Any) -> Path:
        """A picture that lies in no file gets one, in the index."""
        folder = Path(self._engine().address) / PICTURES_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(suffix=".png", prefix="picture-", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            picture.save(file, "PNG")
        return Path(name)

    def _open(self, folder: Path) -> SearchEngine:
        settings = ModelConfig(device="auto" if self._device.startswith("cuda") else self._device)
        return SearchEngine.open(folder, model=self._model, settings=settings)

    def _open_searcher(self) -> Searcher:
        if self._searcher is None:
            raise ConfigError("there is no index yet; call index(), or begin with from_index()")
        return self._searcher

    def _engine(self) -> SearchEngine:
        searcher = self._open_searcher()
        if not isinstance(searcher, SearchEngine):
            raise ConfigError("an index on a server is changed there")
        return searcher

    def _encoder(self) -> Encoder:
        if self._searcher is not None:
            return self._engine().encoder
        from pagesight.engine.models import load_model

        return load_model(self._model or "")

    def _close(self) -> None:
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None


def _remove_index(folder: Path) -> None:
    """First it is no index any more, then its files go."""
    (folder / MANIFEST_NAME).unlink()
    shutil.rmtree(folder)


def _metadata(document: StoredDocument) -> Fields:
    found: Fields = json.loads(document.tags.get(METADATA_TAG, "{}"))
    return found


def _file_name(document: StoredDocument) -> str:
    return str(document.locations[0]) if document.locations else document.document


def _tensor(tokens: Any) -> Any:
    try:
        import torch
    except ImportError:
        return tokens
    return torch.from_numpy(tokens)
