"""The same worker as actors of a Ray cluster, which places them on machines and starts them again when they end.

Leases, tries and commits are as everywhere (storage.jobs): Ray knows of none, so that a file that ends its worker is given up
after some tries, however often the actor is started.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pagesight.engine.config import IndexConfig, ModelConfig
from pagesight.engine.working.worker import WorkConfig, Worker
from pagesight.storage.errors import ConfigError, ExtraMissing, SearchEngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """n_workers actors, each with its share of a GPU (0 for none, 0.5 for two on one) and so many cores.

    address: "auto" finds the cluster of this machine or of $RAY_ADDRESS, "local" starts one here, "ray://host:10001" joins one.
    """

    address: str = "auto"
    n_workers: int = 1
    gpus: float = 0.0
    cores: float = 1.0

    def __post_init__(self) -> None:
        if self.n_workers < 1 or self.gpus < 0 or self.cores < 0:
            raise ConfigError(f"{self.n_workers} workers with {self.gpus} GPUs and {self.cores} cores each cannot be")


def work_once(
    address: str, model: str | None, settings: ModelConfig, config: IndexConfig, work: WorkConfig
) -> Counter[str]:
    """What an actor does: a worker until it ends. Returns how many files became what."""
    from pagesight.engine.api import SearchEngine

    with SearchEngine.open(address, model=model, settings=settings) as engine:
        return Worker(engine.store, engine.encoder, config, work).run(threading.Event())


def run_on_ray(
    address: str, model: str | None, settings: ModelConfig, config: IndexConfig, work: WorkConfig, placement: Placement
) -> Counter[str]:
    """Workers on a cluster until all of them have ended; returns how many files became what.

    address: of the index, as every machine reaches it; a password comes from each machine's own PGPASSFILE. Stopped, it takes
    the actors away, and their files wait for others after a minute. Raises ExtraMissing, ConfigError if there is no cluster.
    """
    ray = _ray()
    options: dict[str, Any] = (
        {"log_to_driver": False, "include_dashboard": False} if placement.address == "local" else {}
    )
    try:
        ray.init(address=placement.address, ignore_reinit_error=True, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"there is no Ray cluster at {placement.address}: {' '.join(str(error).split())}") from error
    actor = ray.remote(_Actor).options(
        num_gpus=placement.gpus, num_cpus=placement.cores, max_restarts=-1, max_task_retries=-1
    )
    actors = [actor.remote() for _ in range(placement.n_workers)]
    try:
        done = ray.get([one.work.remote(address, model, settings, config, work) for one in actors])
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SearchEngineError):
            raise error.cause from error
        raise
    finally:
        for one in actors:
            ray.kill(one)
    return sum(done, Counter())


class _Actor:
    def work(
        self, address: str, model: str | None, settings: ModelConfig, config: IndexConfig, work: WorkConfig
    ) -> Counter[str]:
        return work_once(address, model, settings, config, work)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ExtraMissing("ray", "ray") from error
    return ray
