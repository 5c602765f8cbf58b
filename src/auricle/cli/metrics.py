"""`auricle metrics`: what there is to score with."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from auricle.catalog import CATALOG, DISTANCE_CATALOG, REFERENCE_CATALOG, find_bundle, own_bundles

app = typer.Typer(invoke_without_command=True, help="List the metrics; 'show NAME' for details.")


@app.callback()
def list_metrics(context: typer.Context) -> None:
    """List the metrics; 'show NAME' prints a model card."""
    if context.invoked_subcommand is not None:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = ("metric", "domain", "rate", "reference", "licence", "weights (SHA-256)", "about")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in ("licence", "about"))
    for name in (*CATALOG, *DISTANCE_CATALOG, *(folder.name for folder in own_bundles())):
        bundle = find_bundle(name)
        spec = bundle.config.spec
        table.add_row(
            name,
            spec.domain,
            f"{spec.sample_rate / 1000:g} kHz",
            "needed" if spec.needs_reference else "none",
            spec.licence,
            bundle.model_sha256[:12],
            spec.summary,
        )
    for metric in REFERENCE_CATALOG.values():
        spec = metric.spec
        rate = f"{spec.sample_rate / 1000:g} kHz"
        table.add_row(
            spec.full_name, spec.domain, rate, "needed", spec.licence, "none", spec.summary
        )
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 160
    console.print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A metric's name, or a bundle folder.")]) -> None:
    """Print the model card of a metric, or where one that needs a reference comes from."""
    for metric in REFERENCE_CATALOG.values():
        spec = metric.spec
        if name in (spec.name, spec.full_name):
            print(f"{spec.full_name}: {spec.summary}\nlicence: {spec.licence}\n{spec.citation}")
            return
    bundle = find_bundle(name)
    print(f"{bundle.config.spec.full_name}\nmodel SHA-256: {bundle.model_sha256}\n")
    print(bundle.card or "This bundle has no model card.")
