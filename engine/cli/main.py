"""The ``pagesight`` command: its group, and how errors end.

Exit codes: 0 done or found; 1 nothing found, or some files could not be read; 2 an error; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import errno
import gc
import sys
from pathlib import Path
from typing import Any

import click

from pagesight import engine
from pagesight.engine.cli.options import index_option
from pagesight.engine.cli.output import echo_error
from pagesight.engine.cli.streams import OutputFailed, give_up_output, prepare_streams
from pagesight.storage.errors import SearchEngineError

# Loading modules makes as many objects that stay: looking through them again and again took a tenth of a start.
OBJECTS_BETWEEN_COLLECTIONS = 20_000


class _NotOurs(Exception):
    """Carries an OSError past click, which takes every broken pipe for that of standard output and says nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class _Commands(click.Group):
    """Its commands are imported when somebody asks for them: a search waits for no other command's modules."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in ("search", "show"):
            from pagesight.engine.cli import search

            return {command.name: command for command in search.COMMANDS}[cmd_name]
        _register()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        _register()
        return super().list_commands(ctx)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            raise _NotOurs(error) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, prog_name="pagesight")
@index_option
@click.pass_context
def cli(context: click.Context, index_dir: Path | str | None) -> None:
    """Search inside documents by what is on the page.

    \b
    pagesight index ~/Documents          make or update the index
    pagesight search "water damage"      ask
    """
    context.obj = index_dir


def _register() -> None:
    from pagesight.engine.cli import (
        backup,
        evaluate,
        index,
        manage,
        mcp,
        mine,
        models,
        moving,
        search,
        serve,
        train,
        tune,
        watch,
        work,
    )

    for module in (index, watch, work, search, manage, models, tune, evaluate, mine, train, serve, mcp, backup, moving):
        for command in module.COMMANDS:
            cli.add_command(command)


def main() -> None:
    """Run the command line. User mistakes end with one line, bugs with a traceback."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    prepare_streams()
    try:
        code = _run()
        sys.stdout.flush()
    except OutputFailed as error:
        give_up_output()
        code = 0
        if not error.reader_left:
            echo_error(f"error: {error}")
            code = 2
    gc.freeze()  # at its end Python would look through all that is loaded once more, as long as a search takes
    sys.exit(code)


def _run() -> int:
    try:
        code = cli.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        echo_error("stopped; finished documents are kept, the same command goes on from here")
        return 130
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return 2
    except SearchEngineError as error:
        from pagesight.engine.cli.hints import hint

        echo_error(f"error: {error}{hint(error)}")
        return 2
    except _NotOurs as carrier:
        if carrier.error.errno == errno.ENAMETOOLONG:  # of the index, a model, a file: nothing can be called so
            echo_error(f"error: {str(carrier.error.filename)[:200]}... is longer than names may be; give a shorter one")
            return 2
        raise carrier.error from None
    return code if isinstance(code, int) else 0
