"""``pagesight eval``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from engine.cli.main import index_option
from engine.cli.output import IndexProgress, console, echo_error, error_console
from engine.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.dataset import Dataset
    from engine.evaluation.indexing import IndexSetting
    from engine.evaluation.metrics import Metric, Run
    from engine.evaluation.result import Result
    from engine.evaluation.run import AskConfig


@click.command("eval")
@click.argument("dataset")
@index_option
@click.option("--subset", "subsets", multiple=True, metavar="NAME", help="Language subset; all, if none is named.")
@click.option("--split", default="test", show_default=True, help="Of a benchmark.")
@click.option(
    "--model", metavar="NAME|FOLDER", help=f"Model of the index that is made: {', '.join(MODELS)}, or a folder."
)
@click.option("--codec", default="int8", show_default=True, help="Token codec of the index that is made.")
@click.option("--ocr", type=click.Choice(["auto", "off", "tesseract"]), default="auto", show_default=True)
@click.option("--candidates", type=click.IntRange(10), default=200, show_default=True, help="As in search.")
@click.option("--depth", type=click.IntRange(10), default=100, show_default=True, help="Pages kept a query.")
@click.option(
    "--exact-queries",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Queries answered exactly too, to compare with.",
)
@click.option("--metrics", "names", metavar="NAME,...", help="Such as nDCG@5,recall@20,MRR@10,MAP,hit@1,P@5.")
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Score this TREC run; nothing is searched.")
@click.option("--compare", type=click.Path(path_type=Path), help="A TREC run to compare with, query by query.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="For indexes, runs and reports.  [default: pagesight-eval/NAME]",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.pass_context
def evaluate(
    context: click.Context,
    dataset: str,
    index_dir: Path | None,
    subsets: tuple[str, ...],
    split: str,
    model: str | None,
    codec: str,
    ocr: str,
    candidates: int,
    depth: int,
    exact_queries: int,
    names: str | None,
    run_path: Path | None,
    compare: Path | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure how well the engine finds, how fast, and how close to exact search.

    DATASET is a folder of documents with a queries.jsonl of {id, query, relevant: [{document, page, grade}]}; a
    folder in the layout of BEIR, ViDoRe or JinaVDR; or the name of such a data set on the hub.
    With --index the index that is there is measured as it stands; without, one is made with --model and kept in the
    output folder, so that the next evaluation does not have to make it again.

    \b
    pagesight eval sample_docs
    pagesight eval vidore/tabfquad_test_subsampled_beir
    pagesight eval reports --model all-MiniLM-L6-v2 --compare pagesight-eval/reports/run.trec
    """
    from engine.config import DEFAULT_MODEL
    from engine.evaluation.indexing import IndexSetting
    from engine.evaluation.layouts import open_datasets
    from engine.evaluation.metrics import DEFAULT_METRICS, metric_named
    from engine.evaluation.run import AskConfig
    from storage.codecs import codec_named

    codec_named(codec)
    metrics = [metric_named(name.strip()) for name in (names.split(",") if names else DEFAULT_METRICS)]
    given_index = index_dir or context.find_root().obj
    ask = AskConfig(depth=depth, n_candidates=candidates, n_exact=exact_queries)
    setting = IndexSetting(model=model or DEFAULT_MODEL, codec=codec, ocr=ocr)  # type: ignore[arg-type]  # click has checked ocr
    opened = open_datasets(dataset, subsets, split)
    for found in opened:
        folder = output or Path("pagesight-eval") / found.name
        if output is not None and len(opened) > 1:
            folder = output / found.name.split("/")[-1]
        if run_path is not None:
            result, run = _score_file(found, run_path, metrics)
        else:
            result, run = _measure(found, setting, ask, metrics, folder, given_index, quiet=quiet or as_json)
        if compare is not None:
            result = _compared(result, run, found, compare, metrics)
        if run_path is None:
            _save(folder, found, result, run)
        if as_json:
            click.echo(json.dumps(result.to_dict(), ensure_ascii=False))
        else:
            _print(result)
            if run_path is None:
                echo_error(f"saved in {folder}: report.json, report.csv, run.trec, qrels.trec")
    return 0


def _measure(
    dataset: Dataset,
    setting: IndexSetting,
    config: AskConfig,
    metrics: Sequence[Metric],
    folder: Path,
    given_index: Path | None,
    *,
    quiet: bool,
) -> tuple[Result, Run]:
    """Index (or open), ask, and sum up."""
    from engine.api import SearchEngine
    from engine.evaluation.indexing import IndexingCost, make_index
    from engine.evaluation.result import result_of_answers
    from engine.evaluation.run import ask, with_scanned

    if given_index is not None:
        engine, cost = SearchEngine.open(given_index), IndexingCost()
    else:
        index = folder / "indexes" / setting.folder_name
        index.parent.mkdir(parents=True, exist_ok=True)
        place = dataset.corpus.place(folder / "corpus")
        with IndexProgress([place], quiet=quiet) as progress:
            engine = make_index(
                dataset,
                setting,
                index,
                folder / "corpus",
                on_page=progress.page_done,
                on_file=progress.file_done,
            )
        cost = IndexingCost.read(index)
    with engine, _QueryProgress(len(dataset.judged), quiet=quiet) as asked:
        answers = ask(engine, dataset, config, asked.advance)
        dataset = with_scanned(dataset, answers.scanned)
        manifest = engine.store.manifest
        measured: dict[str, str | int | None] = {
            "model": manifest.encoder,
            "codec": manifest.codec,
            "n_candidates": config.n_candidates,
        }
        return result_of_answers(dataset, answers, metrics, measured, engine, cost), answers.run


def _score_file(dataset: Dataset, path: Path, metrics: Sequence[Metric]) -> tuple[Result, Run]:
    from engine.evaluation.result import result_of_run
    from engine.evaluation.trec import read_run

    run = read_run(path)
    return result_of_run(dataset, run, metrics, str(path)), run


def _compared(result: Result, run: Run, dataset: Dataset, path: Path, metrics: Sequence[Metric]) -> Result:
    from dataclasses import replace

    from engine.evaluation.result import differences_of
    from engine.evaluation.trec import read_run

    return replace(result, against=str(path), differences=differences_of(run, read_run(path), dataset, metrics))


def _save(folder: Path, dataset: Dataset, result: Result, run: Run) -> None:
    from engine.evaluation.report import write_csv
    from engine.evaluation.trec import write_qrels, write_run

    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result.to_dict(), indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    write_csv(folder / "report.csv", [result])
    write_run(folder / "run.trec", run, str(result.setting["model"]))
    write_qrels(folder / "qrels.trec", {query.id: dataset.qrels[query.id] for query in dataset.judged})


def _print(result: Result) -> None:
    from engine.evaluation.report import difference_table, latency_table, notes, quality_table, setting_text

    output = console()
    output.print(f"{result.dataset}, {result.n_queries:,} queries: {setting_text(result)}\n")
    output.print(quality_table(result))
    if result.differences:
        output.print(f"\nagainst {result.against}\n")
        output.print(difference_table(result))
    if result.latency_ms:
        output.print()
        output.print(latency_table(result))
    lines = notes(result)
    if lines:
        output.print("\n" + "\n".join(lines))


class _QueryProgress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, n_queries: int, *, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
        shown = error_console()
        self._progress = Progress(*columns, console=shown, transient=True, disable=quiet or not shown.is_terminal)
        self._task = self._progress.add_task("", total=n_queries)

    def advance(self) -> None:
        self._progress.advance(self._task)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


COMMANDS = [evaluate]
