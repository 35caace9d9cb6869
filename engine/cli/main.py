"""The ``pagesight`` command: its group, what all commands share, and how errors end.

Exit codes: 0 done or found; 1 nothing found, or some files could not be read; 2 an error; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pagesight import engine
from pagesight.storage.errors import SearchEngineError

if TYPE_CHECKING:
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.config import ModelConfig

INDEX_FOLDER = ".pagesight"
Command = TypeVar("Command", bound=Callable[..., Any])


def index_option(command: Command) -> Command:
    """``--index DIR``, which every command takes before or after its name."""
    return click.option(
        "--index",
        "index_dir",
        type=click.Path(path_type=Path),
        envvar="PAGESIGHT_INDEX",
        help="Index folder. Default: .pagesight here or in a folder above, else the user's data folder.",
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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, prog_name="pagesight")
@index_option
@click.pass_context
def cli(context: click.Context, index_dir: Path | None) -> None:
    """Search inside documents by what is on the page.

    \b
    pagesight index ~/Documents          make or update the index
    pagesight search "water damage"      ask
    """
    context.obj = index_dir


def open_engine(
    index_dir: Path | None,
    *,
    model: str | None = None,
    settings: ModelConfig | None = None,
    codec: str | None = None,
    pool_factor: int | None = None,
) -> SearchEngine:
    """The engine over the index that was named, or the one that belongs here."""
    from pagesight.engine.api import SearchEngine

    context = click.get_current_context()
    folder = index_dir or context.find_root().obj or default_index()
    return SearchEngine.open(folder, model=model, settings=settings, codec=codec, pool_factor=pool_factor)


def default_index() -> Path:
    """The nearest .pagesight folder upward from here, else one in the user's data folder."""
    from platformdirs import user_data_path

    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / INDEX_FOLDER).is_dir():
            return folder / INDEX_FOLDER
    return user_data_path("pagesight") / "index"


def _register() -> None:
    from pagesight.engine.cli import evaluate, index, manage, models, search, tune

    for module in (index, search, manage, models, tune, evaluate):
        for command in module.COMMANDS:
            cli.add_command(command)


def main() -> None:
    """Run the command line. User mistakes end with one line, bugs with a traceback."""
    _register()
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = _stopped()
    except KeyboardInterrupt:
        code = _stopped()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SearchEngineError as error:
        click.echo(f"error: {error}", err=True)
        code = 2
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _stopped() -> int:
    click.echo("stopped; finished documents are kept, the same command goes on from here", err=True)
    return 130
