"""``pagesight mine``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pagesight.engine.cli.options import index_option, model_options
from pagesight.engine.cli.output import IndexProgress, count, echo, echo_json, error_console, sizes
from pagesight.storage.names import printable

if TYPE_CHECKING:
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.training.minable import Minable
    from pagesight.engine.training.mining import Mined


class _Ranks(click.ParamType[tuple[int, int]]):
    name = "FIRST:LAST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        first, _, last = str(value).partition(":")
        if not (first.isdigit() and last.isdigit()):
            self.fail(f"{value!r} is not FIRST:LAST, such as 2:30", param, ctx)
        return int(first), int(last)


@click.command()
@click.argument("data")
@index_option
@model_options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[default: mined.jsonl beside the data]")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.option("--split", default="train", show_default=True, help="Of a data set with several.")
@click.option("--ranks", type=_Ranks(), default="2:30", show_default=True, help="Of what the index finds.")
@click.option("--margin", type=float, default=0.95, show_default=True, help="Of the answer's score, at most.")
@click.option("--negatives", type=click.IntRange(1), default=7, show_default=True, help="Of a question, at most.")
@click.option("--other-documents", is_flag=True, help="None of a document that has an answer.")
@click.option("--filter", "filters", metavar="EXPRESSION", help="As in search.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def mine(
    data: str,
    index_dir: Path | str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    out: Path | None,
    overwrite: bool,
    split: str,
    ranks: tuple[int, int],
    margin: float,
    negatives: int,
    other_documents: bool,
    filters: str | None,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Find hard negatives for training: what the index takes for an answer and is none.

    DATA is a folder of documents with a queries.jsonl, a BEIR folder, or a table of questions and answers, as train
    reads them. The index is that of the documents (--index), or is made with --model and kept in pagesight-eval/NAME.

    \b
    pagesight --index idx mine reports --ranks 2:30 --margin 0.95
    """
    from pagesight.engine.config import ModelConfig
    from pagesight.engine.training.minable import open_minable
    from pagesight.engine.training.mining import MiningConfig
    from pagesight.engine.training.mining import mine as mine_negatives

    config = MiningConfig(
        ranks=ranks,
        margin=margin,
        n_negatives=negatives,
        other_documents=other_documents,
        filters=filters,
        seed=seed,
    )
    if out is not None:
        _check_free(out, overwrite=overwrite)
    found = open_minable(data, out, split)
    place = out or found.default_out
    _check_free(place, overwrite=overwrite)
    settings = ModelConfig(device=device, dtype=dtype, offline=offline)
    shown = not (quiet or as_json)
    given = index_dir or click.get_current_context().find_root().obj
    with (
        _engine(found, given, model, settings, shown=shown) as engine,
        _asking(len(found.dataset.judged), shown=shown) as on_question,
    ):
        mined = mine_negatives(found, engine, place, config, overwrite=overwrite, on_question=on_question)
    if as_json:
        echo_json(mined.to_dict())
    else:
        _print(mined)
    return 0


def _check_free(out: Path, *, overwrite: bool) -> None:
    from pagesight.engine.training.mining import check_free

    if out.exists() and not overwrite:
        raise click.UsageError(f"{printable(out)} is there already; --out names another file, --overwrite replaces it")
    check_free(out, overwrite=overwrite)


def _engine(found: Minable, index: Path | str | None, model: str | None, settings: Any, *, shown: bool) -> SearchEngine:
    """Over the index that was named, as it stands, if it is there; else over one that is made of the data."""
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.config import DEFAULT_MODEL
    from pagesight.engine.evaluation.indexing import IndexSetting, make_index
    from pagesight.storage.errors import StoreNotFound

    if index is not None:
        engine = SearchEngine.open(index, model=model, settings=settings)
        try:
            engine.store  # noqa: B018 - raises if there is none
        except StoreNotFound:
            engine.close()
        else:
            return engine
    setting = IndexSetting(model=model or DEFAULT_MODEL)
    folder = Path("pagesight-eval") / found.dataset.name  # that of eval: one index serves both
    made = Path(index) if index is not None else folder / "indexes" / setting.folder_name
    made.parent.mkdir(parents=True, exist_ok=True)
    corpus = found.dataset.corpus.place(folder / "corpus")
    with IndexProgress(lambda: sizes([corpus]), quiet=not shown) as progress:
        return make_index(
            found.dataset.corpus, setting, made, corpus, on_page=progress.page_done, on_file=progress.file_done
        )


@contextmanager
def _asking(n_questions: int, *, shown: bool) -> Iterator[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    console = error_console()
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task("", total=n_questions)
        yield lambda: progress.advance(task)


def _print(mined: Mined) -> None:
    each = mined.n_negatives / mined.n_written
    echo(f"{count(mined.n_written, 'question')}, {count(mined.n_negatives, 'negative')}, {each:.1f} a question")
    if mined.dropped:
        echo("found and not taken:")
        for reason, n in mined.dropped.most_common():
            echo(f"  {n:8,} {reason}")
    if mined.left_out:
        echo(f"left out, of {count(mined.n_questions, 'question')}:")
        for reason, n in mined.left_out.most_common():
            echo(f"  {n:8,} {reason}")
    echo(f"written to {printable(mined.path)}")


COMMANDS = [mine]
