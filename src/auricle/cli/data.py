"""`auricle data`: corpora, labelled clips, features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from auricle.cli.progress import progress_bar

app = typer.Typer(no_args_is_help=True, help="Build corpora and labelled clips; inspect them.")

Recipe = Annotated[str, typer.Argument(help="An embedded recipe's name, or a YAML file.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]


@app.command()
def corpus(
    recipe: Recipe,
    output: Annotated[Path, typer.Option(help="Folder for the recordings.")],
    cache: Annotated[Path, typer.Option(help="Folder for downloaded packages.")],
    jobs: Jobs = 2,
) -> None:
    """Fetch and render the recordings of a corpus recipe: gigabytes to download.

    Needs Debian's apt-get and fluidsynth.
    """
    from auricle.data.corpora import build_corpus
    from auricle.data.corpus_recipe import read_corpus_recipe

    with progress_bar() as bar:
        task = bar.add_task("recordings", total=None)

        def advance(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=name)

        rows = build_corpus(
            read_corpus_recipe(recipe), output, cache=cache, jobs=jobs, progress=advance
        )
    print(f"{len(rows)} excerpts of {len({row.recording for row in rows})} recordings in {output}")


@app.command()
def build(
    recipe: Recipe,
    corpus: Annotated[Path, typer.Option(help="Folder of recordings, built or your own.")],
    output: Annotated[Path, typer.Option(help="Folder for clips and manifest.")],
    jobs: Jobs = 2,
) -> None:
    """Degrade and label clips; killed builds go on where they stopped."""
    from auricle.data.generate import MANIFEST, build_clips, read_clip_recipe

    with progress_bar() as bar:
        task = bar.add_task("clips", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        clips = build_clips(read_clip_recipe(recipe), corpus, output, jobs=jobs, progress=advance)
    failed = sum(bool(clip.error) for clip in clips)
    print(f"{len(clips) - failed} clips labelled, {failed} failed: {output / MANIFEST}")


@app.command()
def inspect(
    manifest: Annotated[Path, typer.Argument(help="A manifest, .csv or .parquet.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Summarise a manifest: counts, label histogram, failures."""
    from auricle.data.generate import inspect_manifest

    summary = inspect_manifest(manifest)
    if json_:
        print(json.dumps(summary, indent=2))
        return
    console = Console(markup=False, highlight=False)
    console.print(
        f"{summary['clips']} clips of {summary['recordings']} recordings,"
        f" {summary['labelled']} labelled"
    )
    for title in ("per_split", "per_source", "failures"):
        console.print(f"\n{title.replace('_', ' ')}")
        for name, count in summary[title].items():
            console.print(f"  {count:6d}  {name}")
    console.print("\nlabels")
    top = max((bin_["clips"] for bin_ in summary["label_histogram"]), default=0)
    for bin_ in summary["label_histogram"]:
        bar_ = "█" * round(40 * bin_["clips"] / max(top, 1))
        console.print(f"  {bin_['from']:.1f} to {bin_['to']:.1f}  {bin_['clips']:6d}  {bar_}")


@app.command()
def features(
    manifest: Annotated[Path, typer.Argument(help="A manifest, with its clips beside it.")],
    recipe: Annotated[str, typer.Option(help="The training recipe whose front end to use.")],
    output: Annotated[Path, typer.Option(help="Folder for the features.")],
    override: Annotated[
        list[str] | None, typer.Option("--set", help="As for 'auricle train'; repeatable.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Compute the spectrograms that 'auricle train' reads."""
    from auricle.data.features import write_features
    from auricle.data.manifest import read_manifest
    from auricle.training.recipe import load_recipe

    system = load_recipe(recipe, override or []).system
    with progress_bar() as bar:
        task = bar.add_task("features", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        found = write_features(
            read_manifest(manifest),
            manifest.parent,
            output,
            system.front_end.build(),
            seconds=system.segment,
            jobs=jobs,
            progress=advance,
        )
    print(f"{len(found.clips)} clips: {output}")
