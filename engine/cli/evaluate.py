"""``pagesight eval``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pagesight.engine.cli.options import index_option, reranker_option
from pagesight.engine.cli.output import IndexProgress, console, echo, echo_error, echo_json, error_console, sizes
from pagesight.engine.cli.tables import print_whole
from pagesight.engine.config import SearchConfig
from pagesight.engine.models import MODELS
from pagesight.indexer.modes import OCR_MODES
from pagesight.storage.codecs import DEFAULT_CODEC
from pagesight.storage.errors import ConfigError
from pagesight.storage.names import printable

if TYPE_CHECKING:
    from pagesight.engine.evaluation.dataset import Dataset
    from pagesight.engine.evaluation.indexing import IndexSetting
    from pagesight.engine.evaluation.metrics import Metric, Run
    from pagesight.engine.evaluation.pairs import Pairs
    from pagesight.engine.evaluation.result import Result
    from pagesight.engine.evaluation.run import AskConfig


@click.command("eval")
@click.argument("dataset")
@click.argument("more", nargs=-1, metavar="")
@index_option
@click.option("--subset", "subsets", multiple=True, metavar="NAME", help="Language subset; all, if none is named.")
@click.option("--split", default="test", show_default=True, help="Of a benchmark.")
@click.option(
    "--model", metavar="NAME|FOLDER", help=f"Model of the index that is made: {', '.join(MODELS)}, or a folder."
)
@click.option("--codec", default=DEFAULT_CODEC, show_default=True, help="Token codec of the index that is made.")
@click.option("--task", metavar="NAME", help="Adapter of the model.  [default: retrieval; text-matching for pairs]")
@click.option("--ocr", type=click.Choice(OCR_MODES), help="As in index.")
@click.option(
    "--candidates",
    type=click.IntRange(10),
    default=SearchConfig().n_candidates,
    show_default=True,
    help="As in search.",
)
@reranker_option
@click.option("--depth", type=click.IntRange(10), default=100, show_default=True, help="Pages kept a query.")
@click.option(
    "--exact-queries",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Queries answered exactly too, to compare with.",
)
@click.option("--symmetric", is_flag=True, help="Queries are documents, as in ArguAna; their own is not counted.")
@click.option("--metrics", "names", metavar="NAME,...", help="Such as nDCG@5,recall@20,MRR@10,MAP,hit@1,P@5.")
@click.option("--sweep", "grid", multiple=True, metavar="NAME=VALUE,... ...", help="Measure every combination.")
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Score this TREC run; nothing is searched.")
@click.option("--qrels", type=click.Path(path_type=Path), help="Judge by this TREC file, not by the data set's grades.")
@click.option("--compare", type=click.Path(path_type=Path), help="A TREC run to compare with, query by query.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="For indexes, runs and reports.  [default: pagesight-eval/NAME]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object a result.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.pass_context
def evaluate(
    context: click.Context,
    dataset: str,
    more: tuple[str, ...],
    index_dir: Path | str | None,  # noqa: ARG001 - see _named_index
    subsets: tuple[str, ...],
    split: str,
    model: str | None,
    codec: str,
    task: str | None,
    ocr: str | None,
    candidates: int,
    reranker: Path | None,
    depth: int,
    exact_queries: int,
    symmetric: bool,
    names: str | None,
    grid: tuple[str, ...],
    run_path: Path | None,
    qrels: Path | None,
    compare: Path | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure how well the engine finds, how fast, and how close to exact search.

    DATASET is a folder of documents with a queries.jsonl of {id, query, relevant: [{document, page, grade}]}; a
    folder in the layout of BEIR, ViDoRe or JinaVDR; or the name of such a data set on the hub. A table of sentence1,
    sentence2 and score is a test of text matching.
    With --index the index that is there is measured as it stands; without, one is made with --model and kept in the
    output folder, so that the next evaluation does not have to make it again. A --sweep goes on where it was stopped.

    \b
    pagesight eval sample_docs
    pagesight eval vidore/tabfquad_test_subsampled_beir
    pagesight eval reports --model all-MiniLM-L6-v2 --compare pagesight-eval/reports/run.trec
    pagesight eval reports --sweep n_candidates=20,50,200 codec=int8,float16
    """
    from dataclasses import replace

    from pagesight.engine.config import DEFAULT_MODEL
    from pagesight.engine.evaluation.indexing import IndexSetting
    from pagesight.engine.evaluation.layouts import open_datasets
    from pagesight.engine.evaluation.metrics import DEFAULT_METRICS, metric_named, trec_eval
    from pagesight.engine.evaluation.pairs import read_pairs
    from pagesight.engine.evaluation.report import subsets_table
    from pagesight.engine.evaluation.run import AskConfig
    from pagesight.engine.evaluation.trec import read_qrels
    from pagesight.storage.codecs import check_codec

    given_index = _named_index(context)
    if more and not grid:
        raise click.UsageError(f"one data set at a time; unexpected: {' '.join(more)}")
    if grid and (given_index or run_path or compare):
        raise click.UsageError("--sweep makes its own indexes and runs: leave out --index, --run and --compare")
    trec_eval()
    check_codec(codec)
    metrics = [metric_named(name.strip()) for name in (names.split(",") if names else DEFAULT_METRICS)]
    ask = AskConfig(depth=depth, n_candidates=candidates, n_exact=exact_queries, symmetric=symmetric, reranker=reranker)
    setting = IndexSetting(
        model=model or DEFAULT_MODEL,
        codec=codec,
        task=task,
        ocr=ocr,  # type: ignore[arg-type]  # click has checked that it is an OcrMode
    )
    if (pairs := read_pairs(Path(dataset), split)) is not None:
        _match_texts(pairs, setting, as_json=as_json)
        return 0
    bars = _Bars(quiet=quiet or as_json)
    opened = open_datasets(dataset, subsets, split)
    if qrels is not None:
        opened = [replace(found, qrels=read_qrels(qrels)) for found in opened]
    results = []
    for found in opened:
        folder = output or Path("pagesight-eval") / found.name
        if output is not None and len(opened) > 1:
            folder = output / found.name.rpartition("/")[2]
        if run_path is None:
            with _writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        if grid:
            _sweep(found, (*grid, *more), setting, ask, metrics, folder, bars, as_json=as_json)
        else:
            result, run = _one(found, setting, ask, metrics, folder, bars, given_index, run_path)
            if compare is not None:
                result = _compared(result, run, found, compare, metrics)
            _show([result], as_json=as_json)
            results.append(result)
            if run_path is None:
                _save(folder, found, result, run)
                echo_error(f"saved in {printable(folder)}: report.json, report.csv, run.trec, qrels.trec")
    if len(results) > 1 and not as_json:
        echo("")
        print_whole(subsets_table(results))
    return 0


def _named_index(context: click.Context) -> Path | str | None:
    """Of --index before or after the command's name; the environment's is for daily use, not for measuring."""
    for place in (context, context.find_root()):
        if place.get_parameter_source("index_dir") is ParameterSource.COMMANDLINE:
            named: Path | str = place.params["index_dir"]
            return named
    return None


def _match_texts(pairs: Pairs, setting: IndexSetting, *, as_json: bool) -> None:
    from dataclasses import asdict, replace

    from pagesight.engine.evaluation.pairs import correlations, cosines
    from pagesight.engine.models import load_model, spec_of

    spec = spec_of(setting.model)
    if setting.task is None and spec is not None and "task" in spec.settings:
        setting = replace(setting, task="text-matching")
    encoder = load_model(setting.model, setting.model_config)
    found = correlations(cosines(encoder, pairs), pairs.scores)
    if as_json:
        estimates = {name: asdict(estimate) for name, estimate in found.items()}
        echo_json({"dataset": pairs.name, "setting": {"model": encoder.name}, "correlations": estimates})
        return
    echo(f"{pairs.name}, {len(pairs.scores):,} pairs: {encoder.name}\n")
    for name, e in found.items():
        echo(f"{name:9} {e.mean:.3f}   95 % interval {e.low:.3f} to {e.high:.3f}")


def _one(
    dataset: Dataset,
    setting: IndexSetting,
    ask: AskConfig,
    metrics: Sequence[Metric],
    folder: Path,
    bars: _Bars,
    given_index: Path | str | None,
    run_path: Path | None,
) -> tuple[Result, Run]:
    """Of a run from a file, of an index as it stands, or of one that is made."""
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.evaluation.evaluate import evaluate_index, evaluate_setting
    from pagesight.engine.evaluation.result import result_of_run
    from pagesight.engine.evaluation.trec import read_run

    if run_path is not None:
        run = read_run(run_path)
        return result_of_run(dataset, run, metrics, str(run_path)), run
    if given_index is not None:
        measured = evaluate_index(dataset, SearchEngine.open(given_index), ask, metrics, bars)
    else:
        measured = evaluate_setting(dataset, setting, ask, metrics, folder, bars)
    return measured.result, measured.answers.run


def _compared(result: Result, run: Run, dataset: Dataset, path: Path, metrics: Sequence[Metric]) -> Result:
    from dataclasses import replace

    from pagesight.engine.evaluation.result import differences_of
    from pagesight.engine.evaluation.trec import read_run

    return replace(result, against=str(path), differences=differences_of(run, read_run(path), dataset, metrics))


def _save(folder: Path, dataset: Dataset, result: Result, run: Run) -> None:
    from pagesight.engine.evaluation.report import write_csv, write_json
    from pagesight.engine.evaluation.trec import write_qrels, write_run

    with _writing(folder):
        write_json(folder / "report.json", [result])
        write_csv(folder / "report.csv", [result])
        write_run(folder / "run.trec", run, str(result.setting["model"]))
        write_qrels(folder / "qrels.trec", {query.id: dataset.qrels[query.id] for query in dataset.judged})


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A folder that cannot be written to is a mistake of the one who named it."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{printable(folder)} cannot be written to: {error.strerror or error}") from error


def _sweep(
    dataset: Dataset,
    words: Sequence[str],
    setting: IndexSetting,
    ask: AskConfig,
    metrics: Sequence[Metric],
    folder: Path,
    bars: _Bars,
    *,
    as_json: bool,
) -> None:
    from pagesight.engine.evaluation.plot import check_plotting, plot_sweep
    from pagesight.engine.evaluation.report import SWEEP_NOTES, setting_text, sweep_table, write_csv, write_json
    from pagesight.engine.evaluation.sweep import PointDone, parse_grid, points_of, sweep, with_common_reference

    check_plotting()
    grid = parse_grid(words)
    points, skipped = points_of(grid, setting, ask)
    done: list[PointDone] = []
    for number, outcome in enumerate(sweep(dataset, points, metrics, folder, bars), start=1):
        if isinstance(outcome, PointDone):
            done.append(outcome)
            echo_error(f"{number} of {len(points)} measured: {setting_text(outcome.result)}")
        elif outcome not in skipped:
            skipped.append(outcome)
    for outcome in skipped:
        echo_error(f"left out: {outcome.what} {outcome.reason}")
    if not done:
        raise click.ClickException("nothing in this grid could be measured")
    results = with_common_reference(done)
    with _writing(folder):
        write_json(folder / "sweep.json", results)
        write_csv(folder / "sweep.csv", results)
        plot_sweep(folder / "sweep.png", results)
    if as_json:
        _show(results, as_json=True)
    else:
        echo(f"{dataset.name}, {len(dataset.judged):,} queries\n")
        print_whole(sweep_table(results, console().width))
        console().print("\n" + "\n".join(SWEEP_NOTES))
    echo_error(f"saved in {printable(folder)}: sweep.png, sweep.json, sweep.csv")


def _show(results: Sequence[Result], *, as_json: bool) -> None:
    from pagesight.engine.evaluation.report import difference_table, latency_table, notes, quality_table, setting_text

    for result in results:
        if as_json:
            echo_json(result.to_dict())
            continue
        echo(f"{result.dataset}, {result.n_queries:,} queries: {setting_text(result)}\n")
        print_whole(quality_table(result, console().width))
        if result.differences:
            echo(f"\nagainst {result.against}\n")
            print_whole(difference_table(result))
        if result.latency_ms:
            echo("")
            print_whole(latency_table(result))
        if lines := notes(result):
            console().print("\n" + "\n".join(lines))


class _Bars:
    """A Watcher that draws bars on a terminal, and prints a line a file elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    @contextmanager
    def indexing(self, place: Path) -> Iterator[IndexProgress]:
        with IndexProgress(lambda: sizes([place]), quiet=self._quiet) as progress:
            yield progress

    @contextmanager
    def asking(self, n_queries: int) -> Iterator[Callable[[], None]]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
        shown = error_console()
        with Progress(
            *columns, console=shown, transient=True, disable=self._quiet or not shown.is_terminal
        ) as progress:
            task = progress.add_task("", total=n_queries)
            yield lambda: progress.advance(task)


COMMANDS = [evaluate]
