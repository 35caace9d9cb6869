"""Measuring a grid of settings. Each point is kept as soon as it is done, so that a sweep that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from pagesight import engine
from pagesight.engine.config import ModelConfig
from pagesight.engine.encoder import Encoder
from pagesight.engine.evaluation.dataset import Dataset
from pagesight.engine.evaluation.evaluate import Watcher, evaluate_setting
from pagesight.engine.evaluation.indexing import IndexSetting
from pagesight.engine.evaluation.metrics import Metric
from pagesight.engine.evaluation.result import Result, agreement
from pagesight.engine.evaluation.run import AskConfig
from pagesight.engine.models import load_model, spec_of
from pagesight.storage.codecs import check_codec
from pagesight.storage.errors import ConfigError, ModelError

PARAMETERS = ("model", "task", "ocr", "codec", "pool_factor", "truncate_dim", "n_candidates")  # another index first
_NUMBERS = ("pool_factor", "truncate_dim", "n_candidates")
Grid = Mapping[str, tuple[str | int, ...]]


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of settings."""

    index: IndexSetting
    ask: AskConfig

    @property
    def setting(self) -> dict[str, str | int | None]:
        of_index: dict[str, str | int | None] = asdict(self.index)
        return {**of_index, "n_candidates": self.ask.n_candidates}


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDone:
    """A measured point. shown and exact: as in Answers."""

    result: Result
    shown: Mapping[str, Sequence[str]]
    exact: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class PointSkipped:
    """A part of the grid that cannot be measured here, and why."""

    what: str
    reason: str


def parse_grid(words: Sequence[str]) -> Grid:
    """``n_candidates=50,200`` and so on. Raises ConfigError with the known names."""
    grid: dict[str, tuple[str | int, ...]] = {}
    for word in words:
        name, equals, values = word.partition("=")
        if name not in PARAMETERS or not equals:
            raise ConfigError(
                f"a sweep is given as NAME=VALUE,VALUE with a NAME of {', '.join(PARAMETERS)}; got {word!r}"
            )
        found = tuple(dict.fromkeys(value.strip() for value in values.split(",") if value.strip()))
        if not found or (name in _NUMBERS and not all(value.isdecimal() and int(value) > 0 for value in found)):
            raise ConfigError(f"{word!r}: {name} needs {'positive whole numbers' if name in _NUMBERS else 'values'}")
        grid[name] = tuple(map(int, found)) if name in _NUMBERS else found
    for codec in grid.get("codec", ("int8",)):
        for pool_factor in grid.get("pool_factor", (1,)):
            check_codec(str(codec), int(pool_factor))
    return grid


def points_of(grid: Grid, index: IndexSetting, ask: AskConfig) -> tuple[list[Point], list[PointSkipped]]:
    """Every combination, what the grid does not name as in ``index`` and ``ask``; points of one index follow each other.

    A parameter that does not apply to a model is left as it is for that model, and what is left out is said.
    """
    skipped: list[PointSkipped] = []
    points: list[Point] = []
    for model in grid.get("model", (index.model,)):
        axes, left_out = _axes(str(model), grid)
        skipped += left_out
        for values in product(*axes.values()):
            chosen: dict[str, Any] = dict(zip(axes, values, strict=True))
            asked = replace(ask, n_candidates=chosen.pop("n_candidates", ask.n_candidates))
            points.append(Point(replace(index, model=str(model), **chosen), asked))
    return points, skipped


def _axes(model: str, grid: Grid) -> tuple[dict[str, tuple[str | int, ...]], list[PointSkipped]]:
    """The part of the grid that applies to a model, in the order of PARAMETERS, and what there is to say of the rest."""
    axes = {name: grid[name] for name in PARAMETERS if name in grid and name != "model"}
    spec, left_out = spec_of(model), []
    if "task" in axes and spec is not None and "task" not in spec.settings:
        del axes["task"]
        left_out.append(PointSkipped("task", f"does not apply to {model}: it has none to choose"))
    if "truncate_dim" in axes:
        allowed = spec.matryoshka if spec else ()
        wrong = [dim for dim in axes["truncate_dim"] if dim not in allowed]
        axes["truncate_dim"] = tuple(dim for dim in axes["truncate_dim"] if dim in allowed)
        if not allowed:
            del axes["truncate_dim"]
            reason = f"does not apply to {model}: its single vectors cannot be cut, so they are measured as they are"
            left_out.append(PointSkipped("truncate_dim", reason))
        elif wrong:
            reason = f"{', '.join(map(str, wrong))}: {model} can be cut to {', '.join(map(str, allowed))}"
            left_out.append(PointSkipped("truncate_dim", reason))
    return axes, left_out


def sweep(
    dataset: Dataset, points: Sequence[Point], metrics: Sequence[Metric], folder: Path, watcher: Watcher
) -> Iterator[PointDone | PointSkipped]:
    """Measure each point, or take it from ``folder`` if it was measured there on the same data with this version.

    A model that cannot be loaded here is skipped, for any other error the sweep ends.
    """
    results = folder / "sweep"
    results.mkdir(parents=True, exist_ok=True)
    held: dict[tuple[str, ModelConfig], Encoder] = {}  # a model is kept for the points that need it
    for point in points:
        stamp = stamp_of(dataset, point, metrics)
        path = results / f"{stamp[:16]}.json"
        if path.exists():
            yield _read(path)
            continue
        key = (point.index.model, point.index.model_config)
        try:
            if key not in held:
                held.clear()  # first: both may not fit into memory
                held[key] = load_model(*key)
            measured = evaluate_setting(dataset, point.index, point.ask, metrics, folder, watcher)
        except ModelError as error:
            yield PointSkipped(f"model {point.index.model}", str(error))
            continue
        result = replace(measured.result, setting=point.setting)
        done = PointDone(result=result, shown=measured.answers.shown, exact=measured.answers.exact)
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(asdict(done), ensure_ascii=False), encoding="utf-8")
        unfinished.replace(path)
        yield done


def with_common_reference(points: Sequence[PointDone]) -> list[Result]:
    """Results whose agreement is with exact search over the largest token vectors measured with the same model.

    So what a codec and pooling lose counts: within one index exact search loses the same as the two stages do.
    """
    results = []
    for point in points:
        same = [
            other for other in points if _tokens(other) == _tokens(point) and other.exact.keys() == point.exact.keys()
        ]
        reference = max(same, key=lambda other: other.result.index.token_bytes_per_page if other.result.index else 0.0)
        found = point.result.faithfulness
        if found is not None:
            found = replace(found, agreement=agreement(point.shown, reference.exact))
        results.append(replace(point.result, faithfulness=found))
    return results


def _tokens(point: PointDone) -> list[object]:
    """What token vectors depend on before they are pooled and coded."""
    return [point.result.setting[name] for name in ("model", "task", "ocr")]


def stamp_of(dataset: Dataset, point: Point, metrics: Sequence[Metric]) -> str:
    """Changes with everything that a result depends on and that can be known without measuring."""
    asked = [[asdict(query), dataset.qrels.get(query.id)] for query in (*dataset.judged, *dataset.unanswerable)]
    settings = [engine.__version__, asdict(point.index), asdict(point.ask), [metric.name for metric in metrics]]
    known = [dataset.name, settings, dataset.corpus.stamp, asked]
    return hashlib.sha256(json.dumps(known, default=str).encode()).hexdigest()  # a reranker is a path


def _read(path: Path) -> PointDone:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return PointDone(**{**fields, "result": Result.from_dict(fields["result"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path} is not a kept result ({error}); delete it, to have it measured again") from error
