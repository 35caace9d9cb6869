"""How sure an answer is: learns the numbers of engine.ranking.confidence, and says how well they hold.

    python -m benchmarks.calibrate FILLER FOLDER=INDEX [FOLDER=INDEX ...]

FOLDER has documents and a queries.jsonl (as for ``pagesight eval``, with unanswerable questions if there are any), INDEX is its
index; FILLER is a folder of text files, whose passages make up pages that answer nothing, so that the same questions can be
asked of 1,000 and of 10,000 pages. All of it is put into one index, and each way of asking is a filter:

    asked               of its documents                            answerable
    without pages       of all but the pages that answer            not, though pages like them are there
    without documents   of all but the documents that answer        not
    elsewhere           of the documents of another FOLDER          not
    in vain             the unanswerable questions                  not

each among about 100 pages, all of the folder's, 1,000 and 10,000. Every figure is of questions that the model was not learnt
from: five parts, no document in two of them. Writes engine/ranking/<model>.json, benchmarks/results/calibration.json and a plot.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import RESULTS, ROOT, write_result
from pagesight.engine import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.evaluation.dataset import Dataset, EvalQuery
from pagesight.engine.evaluation.folder import read_folder
from pagesight.engine.evaluation.sureness import Sureness, auc
from pagesight.engine.index import View
from pagesight.engine.models import load_model
from pagesight.engine.ranking.confidence import LOOKED_AT, SIGNS
from pagesight.engine.retrieval import Question, search, signs_in
from pagesight.indexer.content import PageContent
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo, EncodedPage, NewPage, PageWords, SourceFile

Float = NDArray[np.float64]
PASSAGE_WORDS, PASSAGES_A_FILE, PAGES_A_DOCUMENT = 80, 6, 8
SMALL, SIZES = 100, (1_000, 10_000)
PARTS, RIDGE = 5, 1.0
ANSWERABLE = 0.72  # of the questions that people ask: what the probabilities take for granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A question asked in one way. document: of its answers, by which parts are made."""

    way: str
    size: str
    document: str
    values: Float
    answerable: bool
    right: bool


def passages(folder: Path) -> list[EncodedPage]:
    """Some passages of each text file, encoded alone."""
    encoder = load_model("multilingual-e5-small")
    found: list[EncodedPage] = []
    for path in sorted(folder.glob("*.txt")):
        words = path.read_text(encoding="utf-8").split()[: PASSAGE_WORDS * PASSAGES_A_FILE]
        parts = [words[i : i + PASSAGE_WORDS] for i in range(0, len(words), PASSAGE_WORDS)]
        pages = [
            PageContent(number=1, width_pt=595, height_pt=842, words=_words(part), text_source="text") for part in parts
        ]
        found += [page for page in encoder.encode_pages(pages) if len(page.tokens)]
        print(path.name, file=sys.stderr, flush=True)
    return found


def _words(texts: Sequence[str]) -> PageWords:
    return PageWords(tuple(texts), np.tile(np.array([[0.1, 0.1, 0.2, 0.12]], np.float32), (len(texts), 1)))


def build(place: Path, indexes: dict[str, Path], filler: list[EncodedPage]) -> None:
    """One index of all: documents go by FOLDER/name, and filler/a... up to the first size, filler/b... up to the second."""
    draw = np.random.default_rng(3)
    sources = {name: Store(index) for name, index in indexes.items()}
    with Store.create(place, next(iter(sources.values())).space) as store, store.writer() as writer:

        def add(name: str, pages: Sequence[NewPage]) -> None:
            with writer.draft() as draft:
                for page in pages:
                    draft.add_page(page)
                info = DocumentInfo(sha256=f"{name:>64}"[-64:], media_type="application/pdf", n_pages=len(pages))
                source = SourceFile(root=place, path=name, location=place / name, n_bytes=1, mtime_ns=1)
                draft.commit(info, source)

        fewest = min(len(_copy(source, name, add)) for name, source in sources.items())
        for letter, n in zip("ab", np.diff([fewest, *SIZES]), strict=True):
            for first in range(0, int(n), PAGES_A_DOCUMENT):
                add(f"filler/{letter}{first:06}", [_made_up(i + 1, filler, draw) for i in range(PAGES_A_DOCUMENT)])


def _copy(source: Store, folder: str, add: Callable[[str, list[NewPage]], None]) -> list[int]:
    with source.view() as view:
        ids = view.page_ids()
        described, details = view.describe(ids), view.details(ids)
        documents: dict[str, list[int]] = defaultdict(list)
        for page_id in ids.tolist():
            documents[described[page_id].document].append(page_id)
        for name, pages in documents.items():
            news = []
            for page_id in sorted(pages, key=lambda i: described[i].number):
                detail, page = details[page_id], described[page_id]
                encoded = EncodedPage(view.single(page_id), detail.tokens, detail.boxes)
                news.append(
                    NewPage(
                        number=page.number,
                        width_pt=page.width_pt,
                        height_pt=page.height_pt,
                        text_source=page.text_source,
                        words=detail.words,
                        encoded=encoded,
                    )
                )
            add(f"{folder}/{name}", news)
        return list(ids.tolist())


def _made_up(number: int, filler: list[EncodedPage], draw: np.random.Generator) -> NewPage:
    """A page of two to five passages, the first two of which stand together in their text."""
    first = int(draw.integers(len(filler) - 1))
    chosen = [filler[i] for i in (first, first + 1, *draw.integers(len(filler), size=draw.integers(0, 4)))]
    tokens, boxes = (np.concatenate([getattr(page, name) for page in chosen]) for name in ("tokens", "boxes"))
    single = np.mean([page.single for page in chosen], axis=0)
    encoded = EncodedPage(np.asarray(single / np.linalg.norm(single), np.float32), tokens, boxes)
    return NewPage(
        number=number, width_pt=595, height_pt=842, text_source="text", words=PageWords.none(), encoded=encoded
    )


def ways(name: str, dataset: Dataset, view: View, others: Sequence[str]) -> Iterator[tuple[str, str, EvalQuery, str]]:
    """(way, size, question, filter) of everything that is asked."""
    own = f'document ~ "{name}/*"'
    among = {
        "all": own,
        str(SIZES[0]): f'({own} or document ~ "filler/a*")',
        str(SIZES[1]): f"({own} or folder = filler)",
    }
    ids = view.page_ids(own)
    pages = view.describe(ids)
    openings = {pages[i].document: pages[i].number for i in view.opening_pages(ids).tolist()}
    n_pages = {document.document: document.n_indexed_pages for document in view.documents(own)}
    draw = np.random.default_rng(7)
    for query in (*dataset.judged, *dataset.unanswerable):
        relevant = [item.rpartition(":") for item, grade in dataset.qrels.get(query.id, {}).items() if grade > 0]
        answers = {f"{name}/{document}": set[int]() for document, _, _ in relevant}
        for document, _, number in relevant:
            answers[f"{name}/{document}"].add(int(number))
        quoted = ", ".join(f'"{document}"' for document in answers)
        few, count = list(answers), sum(n_pages.get(document, 0) for document in answers)
        for document in draw.permutation(sorted(n_pages)).tolist():
            if document not in answers and count + n_pages[document] <= SMALL + 10:
                few.append(document)
                count += n_pages[document]
        small = {str(SMALL): "document in (" + ", ".join(f'"{document}"' for document in few) + ")"}
        way = "asked" if relevant else "in vain"
        for size, filters in ({**small, **among} if relevant else among).items():
            yield way, size, query, filters
        if not relevant:
            continue
        hidden = " and ".join(
            f'not (document = "{document}" and page in ({", ".join(map(str, sorted(numbers)))}))'
            for document, numbers in answers.items()
        )
        shown = all(n_pages.get(d) == 1 or openings.get(d) not in numbers for d, numbers in answers.items())
        for size, filters in {**small, **among}.items():
            if shown:  # else the first page, which counts for the others, would answer still
                yield "without pages", size, query, f"{filters} and {hidden}"
            yield "without documents", size, query, f"{filters} and not document in ({quoted})"
        for other in others:
            yield "elsewhere", "all", query, f'document ~ "{other}/*"'


def ask_all(engine: SearchEngine, datasets: dict[str, Dataset]) -> list[Asking]:
    found: list[Asking] = []
    with engine.view() as view:
        for name, dataset in datasets.items():
            for way, size, query, filters in ways(name, dataset, view, [other for other in datasets if other != name]):
                question = Question.of(query.text, engine.encoder, filters)
                pages = search(question, view, SearchConfig(k=LOOKED_AT))
                if not pages:
                    continue
                signs = signs_in(question, view, pages)
                if signs is None:
                    continue
                grades = dataset.qrels.get(query.id, {})
                first = view.describe(np.array([pages[0].page_id]))[pages[0].page_id]
                right = (
                    way == "asked" and grades.get(f"{first.document.removeprefix(name + '/')}:{first.number}", 0) > 0
                )
                document = min((item.rpartition(":")[0] for item in grades), default=query.id)
                found.append(
                    Asking(
                        way=way,
                        size=size,
                        document=f"{name}/{document}",
                        values=signs.values,
                        answerable=way == "asked",
                        right=right,
                    )
                )
            print(name, len(found), file=sys.stderr, flush=True)
    return found


def fit(x: Float, y: NDArray[np.bool_], weights: Float) -> Float:
    """Logistic regression with a ridge, by Newton's method: intercept and a factor for each column."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    ridge = RIDGE * np.eye(z.shape[1])
    ridge[0, 0] = 0
    b = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ b))
        step = np.linalg.solve((z.T * (weights * p * (1 - p))) @ z + ridge, z.T @ (weights * (y - p)) - ridge @ b)
        b += step
        if np.abs(step).max() < 1e-8:
            break
    factors = b[1:] / scale
    return np.array([b[0] - factors @ mean, *factors])


def learn(askings: Sequence[Asking]) -> dict[str, list[float]]:
    """Both models. ANSWERABLE of all that counts is answerable, and each other way of asking counts as much."""
    x = np.array([asking.values for asking in askings])
    answerable, right = (np.array([getattr(a, name) for a in askings]) for name in ("answerable", "right"))
    ways_of = np.array([asking.way for asking in askings])
    counts = {way: (ways_of == way).sum() for way in set(ways_of)}
    others = (1 - ANSWERABLE) / ANSWERABLE * counts["asked"] / (len(counts) - 1)
    weights = np.array([1.0 if a.answerable else others / counts[a.way] for a in askings])
    asked = answerable
    return {
        "answerable": fit(x, answerable, weights).tolist(),
        "right": fit(x[asked], right[asked], np.ones(int(asked.sum()))).tolist(),
    }


def probabilities(model: dict[str, list[float]], askings: Sequence[Asking]) -> tuple[Float, Float]:
    """(answerable, right if answerable) of each."""
    x = np.array([asking.values for asking in askings])
    both = [1 / (1 + np.exp(-np.clip(b[0] + x @ np.array(b[1:]), -30, 30))) for b in map(np.array, model.values())]
    return both[0], both[1]


def cross_validated(askings: Sequence[Asking]) -> tuple[Float, Float]:
    documents = sorted({asking.document for asking in askings})
    part_of = dict(
        zip(np.random.default_rng(0).permutation(documents).tolist(), np.arange(len(documents)) % PARTS, strict=True)
    )
    parts = np.array([part_of[asking.document] for asking in askings])
    answerable, right = np.zeros(len(askings)), np.zeros(len(askings))
    for part in range(PARTS):
        model = learn([a for a, p in zip(askings, parts, strict=True) if p != part])
        rows = np.flatnonzero(parts == part)
        answerable[rows], right[rows] = probabilities(model, [askings[i] for i in rows])
    return answerable, right


def figures(askings: Sequence[Asking]) -> dict[str, object]:
    """By size: how well answerable and right are told, of questions the model has not seen."""
    answerable, right = cross_validated(askings)
    found: dict[str, object] = {}
    for size in (str(SMALL), "all", *map(str, SIZES)):
        here = np.array([asking.size == size for asking in askings])
        asked = here & np.array([asking.way == "asked" for asking in askings])
        was = np.array([asking.right for asking in askings])
        sure = Sureness.of(right[asked].tolist(), right[asked].tolist(), [True] * int(asked.sum()), was[asked].tolist())
        row: dict[str, object] = {
            "asked": int(asked.sum()),
            "right": round(float(was[asked].mean()), 3),
            "auc_right": sure.auc_right,
            "ece_right": round(sure.ece, 3),
            "ece_by_chance": round(sure.ece_by_chance, 3),
            "reliability": sure.reliability,
            "risk": sure.risk,
        }
        for way in ("without pages", "without documents", "elsewhere", "in vain"):
            vain = here & np.array([asking.way == way for asking in askings])
            if vain.any():
                both = asked | vain
                row[f"auc {way}"] = auc(answerable[both], asked[both])
                row[f"refused {way}"] = round(float((answerable[vain] < 0.5).mean()), 3)
        row["answered"] = round(float((answerable[asked] >= 0.5).mean()), 3)
        found[size] = row
    return found


def main() -> None:
    folders = dict(pair.split("=") for pair in sys.argv[2:])
    indexes = {Path(folder).name: Path(index) for folder, index in folders.items()}
    datasets = {Path(folder).name: read_folder(Path(folder)) for folder in folders}
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch) / "index", indexes, passages(Path(sys.argv[1])))
        with SearchEngine.open(Path(scratch) / "index") as engine:
            name, askings = engine.store.space.encoder, ask_all(engine, datasets)
    finish(name, askings)


def finish(name: str, askings: Sequence[Asking]) -> None:
    """Learn from all, and write the numbers, how well they hold, and the plot."""
    model = learn(askings)
    described = {"signs": list(SIGNS), **{key: [round(value, 5) for value in row] for key, row in model.items()}}
    (ROOT / "engine/ranking" / f"{name}.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    write_result("calibration", {"model": name, "by_pages": figures(askings)})
    plot(RESULTS / "calibration.png")


def plot(path: Path) -> None:
    """Probability against the share that was right, a line a size."""
    from matplotlib.figure import Figure

    result = json.loads((RESULTS / "calibration.json").read_text(encoding="utf-8"))
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for size, row in result["by_pages"].items():
        said, was, _ = zip(*row["reliability"], strict=True)
        axes.plot(said, was, marker="o", label=f"{size} pages")
    axes.set(xlabel="probability that the first hit is right", ylabel="share that was right")
    axes.legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
