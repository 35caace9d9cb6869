"""What a stage learns from, from its settings: sources opened and looked through, and the steps made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.inputs import SAME_PREFIX_TASK, Inputs
from pagesight.engine.training.collate import Collator, Steps
from pagesight.engine.training.data.check import problems
from pagesight.engine.training.data.layouts import open_source
from pagesight.engine.training.data.pages import DrawnPages, OnDrawn
from pagesight.engine.training.data.sampler import Batches
from pagesight.engine.training.data.sources import Source
from pagesight.engine.training.settings import PAIRS, SourceSettings, StageSettings
from pagesight.storage.errors import BadTrainingData, ConfigError

N_NEGATIVES = 3  # of a task, where the settings do not say
OVERSAMPLING = 4  # pages are drawn with this many times the pixels of the budget, as for an index
PAIRS_TASK = "retrieval"  # whose prompts phase 1 uses: both prefixes


@dataclass(frozen=True, slots=True, eq=False)
class StageData:
    """training, evaluation: in the order of the settings."""

    training: tuple[Source, ...]
    evaluation: tuple[Source, ...]


def open_data(name: str, stage: StageSettings, on_drawn: OnDrawn | None = None) -> StageData:
    """Raises BadTrainingData with all that is wrong, ConfigError for sources that this stage cannot learn from."""
    pages = DrawnPages() if stage.max_pixels is None else DrawnPages(pixels=OVERSAMPLING * stage.max_pixels)

    def opened(sources: Sequence[SourceSettings]) -> tuple[Source, ...]:
        return tuple(
            open_source(one.path, layout=one.layout, name=one.name, split=one.split, pages=pages, on_drawn=on_drawn)
            for one in sources
        )

    data = StageData(opened(stage.sources), opened(stage.evaluation))
    faults = [*problems(data.training), *problems(data.evaluation)]
    if faults:
        raise BadTrainingData(faults)
    graded = [source.name for source in (*data.training, *data.evaluation) if source.kind == "graded"]
    if graded and name != SAME_PREFIX_TASK:
        raise ConfigError(f"{', '.join(graded)}: graded pairs train text-matching only, not {name}")
    pictured = [source.name for source in data.training if source.kind == "pictures"]
    if pictured and name == "code":
        raise ConfigError(f"{', '.join(pictured)}: code is trained on texts only")
    return data


def make_collator(name: str, stage: StageSettings, checkpoint: Checkpoint) -> Collator:
    """Raises WeightsMissing, BadCheckpoint."""
    return Collator(
        Inputs.open(checkpoint),
        task=PAIRS_TASK if name == PAIRS else name,
        max_pixels=stage.max_pixels,
        max_tokens=stage.max_tokens,
        chunk=stage.cache_chunk,
    )


def make_steps(
    name: str,
    stage: StageSettings,
    data: StageData,
    collator: Collator,
    *,
    seed: int,
    rank: int = 0,
    world: int = 1,
) -> Steps:
    """A batch of texts and one of pictures a step, whichever there are sources of. Raises BadTrainingData, ConfigError."""
    n_negatives = (0 if name == PAIRS else N_NEGATIVES) if stage.n_negatives is None else stage.n_negatives

    def batches(size: int, *, pictures: bool) -> Batches | None:
        chosen = [
            (source, given.weight)
            for source, given in zip(data.training, stage.sources, strict=True)
            if (source.kind == "pictures") == pictures
        ]
        if not chosen:
            return None
        weights = [weight for _, weight in chosen if weight is not None]
        return Batches(
            [source for source, _ in chosen],
            weights or None,
            size * world,
            seed=seed,
            n_negatives=n_negatives,
            rank=rank,
            world=world,
        )

    text = batches(stage.text_batch, pictures=False)
    return Steps(collator, text, batches(stage.picture_batch, pictures=True), seed=seed)
