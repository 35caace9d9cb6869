"""``pagesight mcp``."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from pagesight.engine.cli.options import default_index, index_option
from pagesight.storage.errors import ExtraMissing


@click.command()
@index_option
@click.option("--server", metavar="URL", help="Pass questions on to this server; --index names one of its indexes.")
@click.option("--allow-write", is_flag=True, help="Let agents index and remove documents.")
@click.option(
    "--allow-folder",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="With --allow-write: files below it may be indexed.",
)
@click.pass_context
def mcp(
    context: click.Context,
    index_dir: Path | str | None,
    server: str | None,
    allow_write: bool,
    folders: tuple[Path, ...],
) -> int:
    """Serve an index to an agent by the Model Context Protocol, on standard input and output.

    Agents start this themselves, from an entry in their settings (docs/agents.md).

    \b
    pagesight mcp --index ~/.local/share/pagesight/index
    """
    logging.basicConfig(level=logging.WARNING)  # before the SDK does it; standard output is the protocol's
    try:
        from pagesight.engine.mcp.local import local_server
    except ModuleNotFoundError as error:
        raise ExtraMissing(str(error.name), "mcp") from error
    given = index_dir or context.find_root().obj
    if server is not None:
        made = local_server(server, index=str(given or ""), allow_write=allow_write)
    else:
        made = local_server(given or default_index(), allow_write=allow_write, folders=folders)
    made.run()
    return 0


COMMANDS = [mcp]
