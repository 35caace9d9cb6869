"""What several commands share: the index they work on, and the model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pagesight.engine.cli.output import tell_notes

if TYPE_CHECKING:
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.client.client import Client
    from pagesight.engine.config import ModelConfig

INDEX_FOLDER = ".pagesight"
Command = TypeVar("Command", bound=Callable[..., Any])


class _IndexPlace(click.ParamType[Path | str]):
    """A folder, or the address of another kind of store as it was typed: as a path it would lose a slash."""

    name = "dir|url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:  # noqa: ARG002
        return value if isinstance(value, Path) or "://" in value else Path(value)


def index_option(command: Command) -> Command:
    """``--index DIR|URL``, which every command takes before or after its name."""
    return click.option(
        "--index",
        "index_dir",
        type=_IndexPlace(),
        metavar="DIR|URL",
        envvar="PAGESIGHT_INDEX",
        help="Index folder, postgresql://host/database or qdrant://host/collection. Default: .pagesight here or above, else the user's data folder.",
    )(command)


def model_options(command: Command) -> Command:
    """How a model is found and run; no part of the index. See ``ModelConfig``."""
    options = (
        click.option("--model", metavar="NAME|FOLDER", help="See pagesight models; an index has its own."),
        click.option("--device", default="auto", metavar="NAME", help="cpu, cuda, cuda:1; or several, with commas."),
        click.option("--dtype", type=click.Choice(["auto", "float32", "bfloat16", "float16"]), default="auto"),
        click.option("--offline", is_flag=True, help="Never fetch a model's files."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def manners_options(nice: int) -> Callable[[Command], Command]:
    """``--jobs N`` and ``--nice N``, for commands that index. nice: the default."""

    def add(command: Command) -> Command:
        jobs = click.option(
            "--jobs",
            type=click.IntRange(1, 64),
            metavar="N",
            callback=_bound_threads,
            help="Processes that read, and threads that encode.  [default: as there are cores]",
        )
        gives_way = click.option(
            "--nice",
            type=click.IntRange(0, 19),
            default=nice,
            show_default=True,
            help="How much reading gives way to other programs; 0: not at all.",
        )
        return jobs(gives_way(command))

    return add


def _bound_threads(_: click.Context, __: click.Parameter, jobs: int | None) -> int | None:
    """Every library that computes heeds this one setting, if it is made before they are loaded."""
    if jobs is not None:
        os.environ["OMP_NUM_THREADS"] = str(jobs)
    return jobs


def reranker_option(command: Command) -> Command:
    """``--reranker FOLDER``, for commands that search."""
    return click.option(
        "--reranker",
        type=click.Path(path_type=Path, resolve_path=True),
        metavar="FOLDER",
        help="Let this cross-encoder order the first 20 pages.",
    )(command)


def server_option(command: Command) -> Command:
    """``--server URL``, for commands that can ask a server instead."""
    return click.option(
        "--server",
        metavar="URL",
        help="Ask this server; --index then names one of its indexes, and PAGESIGHT_API_KEY is its key.",
    )(command)


def open_server(address: str, index: Path | str | None, model: str | None, device: str, dtype: str) -> Client:
    """A client of the server. What is the server's own affair cannot be said here."""
    from pagesight.engine.client.client import Client

    if model is not None or (device, dtype) != ("auto", "auto"):
        raise click.UsageError("the server has its model: --model, --device and --dtype do not go with --server")
    context = click.get_current_context()
    given = context.get_parameter_source("index_dir") == click.core.ParameterSource.COMMANDLINE
    return Client(address, index=str(index) if given and index is not None else "")


def open_engine(
    index_dir: Path | str | None,
    *,
    model: str | None = None,
    settings: ModelConfig | None = None,
    codec: str | None = None,
    pool_factor: int | None = None,
    reranker: Path | None = None,
) -> SearchEngine:
    """The engine over the index that was named, or the one that belongs here."""
    from pagesight.engine.api import SearchEngine

    folder = index_place(index_dir)
    if isinstance(folder, str) and not click.get_current_context().params.get("quiet"):
        tell_notes("pagesight.storage.postgres")
    return SearchEngine.open(
        folder, model=model, settings=settings, codec=codec, pool_factor=pool_factor, reranker=reranker
    )


def index_place(index_dir: Path | str | None) -> Path | str:
    """The index that was named, after the command or before it, or the one that belongs here."""
    return index_dir or click.get_current_context().find_root().obj or default_index()


def default_index() -> Path:
    """The nearest .pagesight folder upward from here, else one in the user's data folder."""
    from platformdirs import user_data_path

    here = Path.cwd()
    for folder in (here, *here.parents):
        if os.path.isdir(folder / INDEX_FOLDER):  # also of folders that may not be looked at
            return folder / INDEX_FOLDER
    return user_data_path("pagesight") / "index"
