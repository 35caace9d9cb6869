"""``pagesight models``: list, pull, verify, merge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagesight.engine.cli.output import console, echo, echo_error, echo_json
from pagesight.storage.names import printable

if TYPE_CHECKING:
    from pagesight.engine.models.specs import ModelSpec


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the models; fetch one; check the files of one; merge an adapter into its weights.

    \b
    pagesight models
    pagesight models pull jina-embeddings-v4
    pagesight models verify ~/models/jina-embeddings-v4
    pagesight models merge adapted --task retrieval --out adapted-retrieval
    """
    if context.invoked_subcommand is None:
        context.invoke(list_models)


@models.command("list")
def list_models() -> int:
    """List the models and where their weights come from.

    \b
    pagesight models list
    """
    from pagesight.engine.cli.tables import Column, print_table
    from pagesight.engine.config import DEFAULT_MODEL
    from pagesight.engine.models.table import MODELS

    columns = (
        Column("model", "nothing"),
        Column("reads", "place", rank=1),
        Column("single", rank=4),
        Column("token", rank=3),
        Column("weights", "width", rank=5),
        Column("licence", "width", rank=2),
    )
    rows = []
    for spec in MODELS.values():
        name = f"{spec.name} (default)" if spec.name == DEFAULT_MODEL else spec.name
        single = f"{spec.single_dim}-d" + (" (mean)" if spec.pooled_single else "")
        rows.append((name, spec.reads, single, f"{spec.token_dim}-d", _weights(spec), spec.licence))
    print_table(columns, rows)
    output = console()
    output.print("\n[...] is an extra: pip install 'pagesight[jina]'", style="dim")
    output.print("(mean): no trained single vector; the recall stage uses the mean of the token vectors", style="dim")
    return 0


def _weights(spec: ModelSpec) -> str:
    """Where they come from, or that they are here."""
    from pagesight.engine.models.files.hub import on_this_machine

    extra = f" [{spec.extra}]" if spec.extra else ""
    here = spec.fetched and on_this_machine(spec.name)
    return f"{'on this machine' if here else spec.weights}{extra}"


@models.command()
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Folder, for --model FOLDER.")
def pull(name: str, to: Path | None) -> int:
    """Fetch a model's files from the hub, those that are missing, and print their folder.

    Without --to they go where other tools of the hub find them too ($HF_HOME).

    \b
    pagesight models pull jina-embeddings-v4
    pagesight models pull multilingual-e5-small --to ~/models/e5
    """
    from pagesight.engine.models.files import hub
    from pagesight.engine.models.table import MODELS, known_name

    folder = hub.pull(name, to)
    echo_error(f"the licence of these weights: {MODELS[known_name(name)].licence}")
    echo(printable(folder))
    return 0


@models.command()
@click.argument("name", metavar="FOLDER|NAME")
@click.option("--device", default="cpu", show_default=True, help="Where expected outputs are computed, in float32.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an output.")
def verify(name: str, device: str, as_json: bool) -> int:
    """Check every tensor of a checkpoint, and its outputs where expected ones lie beside it.

    Names and shapes of all tensors must be those of the model. If there is an expected.safetensors in FOLDER, its inputs
    are encoded in several ways, and the largest absolute difference of each output is printed: above 0.0001 ends with 1.
    A model that is on this machine may be given by its name.

    \b
    pagesight models verify ~/models/jina-embeddings-v4
    pagesight models verify pocket
    """
    from pagesight.engine.models.files.hub import find
    from pagesight.engine.models.verify import TOLERANCE, verify_folder

    report = verify_folder(find(name, offline=True), device)
    if as_json:
        for one in report.differences:
            echo_json({"output": one.output, "largest": one.largest, **one.by_way})
    else:
        echo(f"{report.kind}: {report.n_tensors:,} tensors, all with the names and shapes they should have")
        if report.differences:
            from pagesight.engine.cli.tables import Column, print_table

            ways = list(dict.fromkeys(way for one in report.differences for way in one.by_way))
            columns = [Column("output", "nothing"), Column("largest difference", "nothing", right=True)]
            columns += [Column(way, right=True, rank=rank) for rank, way in enumerate(ways, start=2)]
            rows = [
                (
                    one.output,
                    f"{one.largest:.1e}",
                    *(f"{one.by_way[way]:.1e}" if way in one.by_way else "" for way in ways),
                )
                for one in report.differences
            ]
            print_table(columns, rows)
    above = [one.output for one in report.differences if not one.largest <= TOLERANCE]
    if above:
        echo_error(f"differs by more than {TOLERANCE:g}: {', '.join(above)}")
        return 1
    if not report.differences and not as_json:
        echo("there are no expected outputs to compare with (expected.safetensors)")
    return 0


@models.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--task", required=True, metavar="NAME", help="Whose adapter: retrieval, text-matching or code.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder.")
def merge(folder: Path, task: str, out: Path) -> int:
    """Write a model for one task, its adapter added into the weights.

    The result is as large as the base model, and opens as any folder of it does.

    \b
    pagesight models merge adapted --task retrieval --out adapted-retrieval
    """
    from pagesight.engine.models.table import spec_of_folder
    from pagesight.storage.errors import ConfigError

    spec = spec_of_folder(folder)
    if spec.name != "jina-embeddings-v4":
        raise ConfigError(f"{folder} holds {spec.name}, which has no adapters")
    spec.require_extra(spec.name)
    from pagesight.engine.training import merging

    merging.merge(folder, task, out.absolute())
    echo(printable(out))
    return 0


COMMANDS = [models]
