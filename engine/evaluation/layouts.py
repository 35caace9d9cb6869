"""Which layout a dataset has, told by what lies in its folder; and fetching one from the hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pagesight.engine.evaluation.benchmarks import find_subsets, read_beir, read_qa
from pagesight.engine.evaluation.dataset import Dataset
from pagesight.engine.evaluation.folder import QUERIES_NAME, read_folder
from pagesight.storage.errors import DatasetError, ExtraMissing

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = ["*.parquet", "*.jsonl", "*.jsonl.gz", "*.tsv", "*.csv"]
EXPECTED = """expected one of
  queries.jsonl with document and page            a folder of documents of your own
  corpus, queries and qrels (.jsonl, .tsv, .parquet, or folders of them)   BEIR, ViDoRe, JinaVDR; also below a language
  data/test-*.parquet with query and image        ViDoRe and JinaVDR in their question-answering form"""


def open_datasets(dataset: str, subsets: Sequence[str] = (), split: str = "test") -> list[Dataset]:
    """The dataset in a folder, or of this name on the hub: one for each language subset, or for those named.

    Raises DatasetError that says what is missing where, ExtraMissing.
    """
    root = Path(dataset)
    if root.is_file():
        raise DatasetError(
            f"{root} is a file; name the folder of a data set, or a table of sentence1, sentence2 and score"
        )
    if not root.is_dir() or not dataset:
        root = hub_folder(dataset)
    name = root.resolve().name if Path(dataset).is_dir() else dataset.rpartition("/")[2]
    if (root / QUERIES_NAME).is_file() and not _is_beir(root):
        if subsets:
            raise DatasetError(f"{root} has no subsets")
        return [read_folder(root)]
    known = find_subsets(root)
    unknown = [subset for subset in subsets if subset not in known]
    if unknown:
        raise DatasetError(f"{root} has no subset {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    return [_read(root, name, subset, split) for subset in (subsets or known or [""])]


def _read(root: Path, name: str, subset: str, split: str) -> Dataset:
    full_name = f"{name}/{subset}" if subset else name
    found = read_beir(root, full_name, subset, split) or read_qa(root, full_name, subset, split)
    if found is None:
        raise DatasetError(f"{root} is in no layout that is known; {EXPECTED}")
    return found


def _is_beir(root: Path) -> bool:
    """A queries.jsonl is of BEIR if one of the other two tables is there too."""
    return any((root / table).is_dir() or any(root.glob(f"{table}.*")) for table in ("corpus", "qrels"))


def hub_folder(name: str) -> Path:
    """The tables of the dataset of this name on the hub, fetched if they are not here. Raises DatasetError, ExtraMissing."""
    if not HUB_NAME.fullmatch(name):
        raise DatasetError(f"there is no folder {name}")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ExtraMissing("huggingface-hub", "eval") from error
    try:
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=HUB_FILES))
    except Exception as error:  # the hub's, HTTP's and the file system's classes of error
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise DatasetError(
            f"there is no folder {name}, and the hub does not give it: {reason}; "
            "fetch it where the hub can be reached, and name its folder here"
        ) from error
