"""``pagesight serve``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from pagesight.engine.cli.options import default_index, manners_options, reranker_option
from pagesight.engine.cli.output import echo_error
from pagesight.storage.errors import ConfigError, ExtraMissing

DEFAULT_PORT = 8000
NICE = 10  # of indexing, beside requests
KEY, READ_ONLY_KEY, SHARD_KEY = "PAGESIGHT_API_KEY", "PAGESIGHT_READ_ONLY_API_KEY", "PAGESIGHT_SHARD_KEY"


@click.command(
    epilog=f"Keys may also be in {KEY} and {READ_ONLY_KEY}, or in files named by {KEY}_FILE and {READ_ONLY_KEY}_FILE; "
    f"what --shards ask for is in {SHARD_KEY}, or in a file named by {SHARD_KEY}_FILE. "
    "A password of files that lists of processes should not show is in PAGESIGHT_PASSWORD."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=DEFAULT_PORT, show_default=True, help="0: any free one."
)
@click.option(
    "--index",
    "indexes",
    multiple=True,
    metavar="[NAME=]DIR",
    help="Index to serve; several have names.  [default: as for search]",
)
@click.option(
    "--allow-write/--read-only", default=False, help="Let clients upload, index and remove.  [default: read only]"
)
@click.option(
    "--allow-folder",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Files below it may be indexed by their path.",
)
@click.option(
    "--watch",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    help="Keep this folder indexed.",
)
@click.option(
    "--key-file", type=click.Path(path_type=Path), envvar=f"{KEY}_FILE", help="File with the key that allows all."
)
@click.option(
    "--read-only-key-file",
    type=click.Path(path_type=Path),
    envvar=f"{READ_ONLY_KEY}_FILE",
    help="File with the key that allows reading.",
)
@click.option("--no-auth", is_flag=True, help="Listen on an address that others reach, without a key.")
@click.option(
    "--allowed-host", "hosts", multiple=True, metavar="NAME", help="Name the server goes by, as behind a proxy."
)
@click.option(
    "--prefix", default="", metavar="/PATH", help="Path under which a proxy serves us, if it does not strip it."
)
@click.option("--trusted-proxy", "proxies", multiple=True, metavar="ADDRESS", help="Believe its X-Forwarded headers.")
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False, resolve_path=True), help="Folder for uploads and jobs."
)
@reranker_option
@manners_options(NICE)
@click.option("--shard", metavar="I/N", help="Have only the documents of the I-th of N parts, by their content.")
@click.option(
    "--shards", metavar="URL,URL|URL,...", help="Ask these servers, the parts of one index; | between replicas."
)
@click.option(
    "--partial/--strict", default=False, help="Answer without shards that do not, and say so.  [default: strict]"
)
@click.option(
    "--shard-seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="That a shard may take."
)
@click.option(
    "--hedge-seconds",
    type=click.FloatRange(0.001),
    default=0.5,
    show_default=True,
    help="After which a replica is asked, too.",
)
@click.option("--threads", type=click.IntRange(1, 256), help="That search and encode.  [default: one a core, 2 to 8]")
@click.option("--password", envvar="PAGESIGHT_PASSWORD", help="Of encrypted files.")
@click.option("--open-metrics", is_flag=True, help="Let /metrics be read without a key.")
@click.option("--hide-paths", is_flag=True, help="Do not say in hits where files lie.")
@click.option("--fetch-urls", is_flag=True, help="Fetch pictures that clients name by public http addresses.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="Log problems only.")
@click.pass_context
def serve(
    context: click.Context,
    host: str,
    port: int,
    indexes: tuple[str, ...],
    allow_write: bool,
    folders: tuple[Path, ...],
    watch: tuple[Path, ...],
    key_file: Path | None,
    read_only_key_file: Path | None,
    no_auth: bool,
    hosts: tuple[str, ...],
    prefix: str,
    proxies: tuple[str, ...],
    state: Path | None,
    reranker: Path | None,
    jobs: int | None,
    nice: int,
    shard: str | None,
    shards: str | None,
    partial: bool,
    shard_seconds: float,
    hedge_seconds: float,
    threads: int | None,
    password: str | None,
    open_metrics: bool,
    hide_paths: bool,
    fetch_urls: bool,
    log_format: str,
    quiet: bool,
) -> int:
    """Serve an index: a page to look at, an HTTP API, /v1 and MCP.

    \b
    pagesight serve
    pagesight serve --allow-write --allow-folder ~/Documents --watch ~/Documents
    pagesight serve --shard 1/2 --watch /archive --port 8001
    pagesight serve --shards http://one:8001,http://two:8001
    """
    from pagesight.engine.server.settings import SHARDS, Keys, ServerSettings, check_address, read_key
    from pagesight.engine.shards.shard import Patience

    if shards is not None and indexes:
        raise click.UsageError("--shards are the index; --index does not go with them")

    keys = Keys(
        all=read_key(os.environ.get(KEY), key_file, "full"),
        read_only=read_key(os.environ.get(READ_ONLY_KEY), read_only_key_file, "read-only"),
    )
    settings = ServerSettings(
        indexes={"shards": f"{SHARDS}{shards}"}
        if shards is not None
        else _named(indexes or (str(context.find_root().obj or os.environ.get("PAGESIGHT_INDEX") or default_index()),)),
        host=host,
        port=port,
        keys=keys,
        allow_write=allow_write,
        allowed_folders=folders,
        allowed_hosts=hosts,
        prefix=prefix,
        state=state,
        watch=watch,
        open_metrics=open_metrics,
        hide_paths=hide_paths,
        fetch_urls=fetch_urls,
        password=password,
        reranker=reranker,
        nice=nice,
        jobs=jobs,
        part=shard,
        shards=shards or "",
        shard_key=read_key(os.environ.get(SHARD_KEY), os.environ.get(f"{SHARD_KEY}_FILE"), "shards'"),
        partial=partial,
        patience=Patience(seconds=shard_seconds, hedge_seconds=hedge_seconds),
    )
    if shards is not None:
        from pagesight.engine.shards.coordinator import shard_addresses

        shard_addresses(shards)  # what is no address stops the server before it starts
    if reranker is not None:
        from pagesight.engine.reranker.table import load_reranker

        load_reranker(reranker)  # a folder that is none stops the server before it starts
    if threads is not None:
        settings = replace(settings, threads=threads)
    check_address(settings, without_key=no_auth)
    try:
        from pagesight.engine.server.app import create_app
        from pagesight.engine.server.listen import configure_logging, listen
    except ModuleNotFoundError as error:
        raise ExtraMissing(str(error.name), "server") from error
    configure_logging(as_json=log_format == "json", verbose=not quiet)
    try:
        listen(
            create_app(settings),
            settings,
            trusted_proxies=",".join(proxies),
            ready=lambda address: echo_error(f"serving {', '.join(settings.indexes)} at {address}"),
        )
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
    return 0


def _named(given: tuple[str, ...]) -> dict[str, str]:
    """NAME=DIR, or DIR under the name of its folder."""
    from pagesight.storage.addresses import full_address, shown

    found: dict[str, str] = {}
    for text in given:
        name, equals, address = text.partition("=")
        if not equals or "/" in name:
            name, address = _plain(Path(shown(text)).absolute()), text
        if name in found:
            raise ConfigError(f"two indexes go by the name {name!r}; call them NAME=DIR")
        found[name] = full_address(address)
    return found


def _plain(folder: Path) -> str:
    """A name for an index: that of its folder, or of the one around a hidden folder."""
    from pagesight.engine.cli.options import INDEX_FOLDER

    name = folder.parent.name if folder.name == INDEX_FOLDER else folder.name
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.")[:64]
    return kept or "index"


COMMANDS = [serve]
