"""`auricle data`: corpora, labelled clips, features."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from auricle.cli.opinion import opinion
from auricle.cli.progress import progress_bar
from auricle.core.errors import ConfigError, DataError
from auricle.data.layouts import LayoutName

app = typer.Typer(no_args_is_help=True, help="Build corpora and labelled clips; inspect them.")
app.command()(opinion)

Recipe = Annotated[str, typer.Argument(help="An embedded recipe's name, or a YAML file.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]


@app.command()
def corpus(
    recipe: Annotated[
        str, typer.Argument(help="An embedded recipe's name or a YAML file; a folder of --layout.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the recordings.")],
    layout: Annotated[
        LayoutName | None, typer.Option(help="What the folder holds: audio files or a data set.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for downloaded packages.")] = None,
    jobs: Jobs = 2,
) -> None:
    """Cut the recordings of a corpus recipe, or of a data set on disk, into excerpts.

    A recipe's packages are gigabytes to download, and need Debian's apt-get and fluidsynth.
    """
    from auricle.data.corpora import build_corpus
    from auricle.data.corpus_recipe import CorpusRecipe, FolderSource, read_corpus_recipe

    if layout is not None:
        folder = FolderSource(folder=Path(recipe), layout=layout)
        chosen = CorpusRecipe(name=folder.source, folders=(folder,))
    elif Path(recipe).is_dir():
        raise ConfigError(f"{recipe} is a folder: say by --layout what it holds")
    else:
        chosen = read_corpus_recipe(recipe)
    with progress_bar() as bar:
        task = bar.add_task("recordings", total=None)

        def advance(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=name)

        rows = build_corpus(chosen, output, cache=cache, jobs=jobs, progress=advance)
    print(f"{len(rows)} excerpts of {len({row.recording for row in rows})} recordings in {output}")


@app.command()
def build(
    recipe: Recipe,
    corpus: Annotated[Path, typer.Option(help="Folder of recordings, built or your own.")],
    output: Annotated[Path, typer.Option(help="Folder for clips and manifest.")],
    labels: Annotated[
        Path | None, typer.Option(help="A manifest whose clips to make again, not label anew.")
    ] = None,
    leave_out: Annotated[
        Path | None, typer.Option(help="A manifest whose recordings not to use.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Degrade and label clips; killed builds go on where they stopped."""
    from auricle.data.clip_recipe import read_clip_recipe
    from auricle.data.generate import MANIFEST, build_clips
    from auricle.data.manifest import read_manifest

    with progress_bar() as bar:
        task = bar.add_task("clips", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        clips = build_clips(
            read_clip_recipe(recipe),
            corpus,
            output,
            labelled=read_manifest(labels) if labels else None,
            leave_out={clip.recording for clip in read_manifest(leave_out)} if leave_out else (),
            jobs=jobs,
            progress=advance,
        )
    failed = sum(bool(clip.error) for clip in clips)
    print(f"{len(clips) - failed} clips labelled, {failed} failed: {output / MANIFEST}")


@app.command()
def parts(
    recipe: Annotated[str, typer.Argument(help="An embedded mix recipe's name, or a YAML file.")],
    output: Annotated[Path, typer.Option(help="Folder for the excerpts.")],
    cache: Annotated[Path, typer.Option(help="Folder for downloaded packages.")],
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Such as parts.windows=1; repeatable.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Render the single instruments of scores, and voices: a corpus for 'auricle data mix'.

    Needs Debian's apt-get, fluidsynth and the speech synthesisers of the recipe.
    """
    from auricle.data.mix_recipe import read_mix_recipe
    from auricle.data.parts import build_parts

    chosen = read_mix_recipe(recipe, tuple(override or ())).parts
    if chosen is None:
        raise ConfigError(f"recipe {recipe} has no 'parts' to render")
    with progress_bar() as bar:
        task = bar.add_task("parts", total=None)

        def advance(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=name)

        rows = build_parts(chosen, output, cache=cache, jobs=jobs, progress=advance)
    print(f"{len(rows)} excerpts of {len({row.recording for row in rows})} recordings in {output}")


@app.command()
def mix(
    recipe: Annotated[str, typer.Argument(help="An embedded mix recipe's name, or a YAML file.")],
    corpora: Annotated[
        list[Path], typer.Option("--corpus", help="Folder of single sources; repeatable.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for clips and tables.")],
    splits: Annotated[
        list[Path] | None,
        typer.Option(help="A manifest whose training recordings stay in training; repeatable."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="A table whose clips to make again, not label anew.")
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Such as clips.train=100; repeatable.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Mix known sources, degrade and label the mixtures; killed builds go on where they stopped."""
    from auricle.data.manifest import read_manifest
    from auricle.data.mix_recipe import read_mix_recipe
    from auricle.data.mixes import LABELS, build_mixes, read_mixes

    known = [clip for path in splits or () for clip in read_manifest(path)]
    trained = {clip.recording for clip in known if clip.split == "train"}
    with progress_bar() as bar:
        task = bar.add_task("clips", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        clips = build_mixes(
            read_mix_recipe(recipe, tuple(override or ())),
            corpora,
            output,
            splits={c.recording: "train" if c.recording in trained else c.split for c in known},
            labelled=read_mixes(labels) if labels else None,
            jobs=jobs,
            progress=advance,
        )
    failed = [clip for clip in clips if clip.error]
    done = "made again" if labels else "labelled"
    print(f"{len(clips) - len(failed)} clips {done}, {len(failed)} failed: {output / LABELS}")
    for clip in failed:
        print(f"  {clip.id}: {clip.error}")


@app.command()
def pairs(
    recipe: Annotated[str, typer.Argument(help="An embedded pair recipe's name, or a YAML file.")],
    output: Annotated[Path, typer.Option(help="Folder for clips and table.")],
    corpora: Annotated[
        list[Path] | None, typer.Option("--corpus", help="Folder of recordings; repeatable.")
    ] = None,
    speech: Annotated[
        list[Path] | None, typer.Option(help="Folder of recorded speech; repeatable.")
    ] = None,
    noise: Annotated[
        list[Path] | None, typer.Option(help="Folder of noise for 'snr'; repeatable.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="A table whose clips to make again, not label anew.")
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Such as excerpts.train=100; repeatable.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Degrade clean excerpts and label them by reference metrics; killed builds go on."""
    from auricle.data.jnd_recipe import read_pair_recipe
    from auricle.data.pair_plan import plan_pairs
    from auricle.data.pairs import TABLE, build_pairs, read_pairs

    chosen = read_pair_recipe(recipe, tuple(override or ()))
    folders, spoken, under = corpora or [], speech or [], noise or []
    if not folders and not spoken:
        raise ConfigError("say what to degrade: --corpus FOLDER, or --speech FOLDER")
    planned = read_pairs(labels) if labels else plan_pairs(chosen, folders, spoken, under)
    with progress_bar() as bar:
        task = bar.add_task("clips", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        clips = build_pairs(
            chosen, planned, [*folders, *spoken, *under], output, jobs=jobs, progress=advance
        )
    failed = [clip for clip in clips if clip.error]
    print(f"{len(clips) - len(failed)} clips made, {len(failed)} failed: {output / TABLE}")
    for clip in failed:
        print(f"  {clip.id}: {clip.error}")


@app.command()
def inspect(
    path: Annotated[
        Path, typer.Argument(help="A manifest, .csv or .parquet; a corpus, or its recordings.csv.")
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Summarise a manifest (counts, labels, failures) or a corpus (kinds, sources, quality)."""
    from auricle.data.corpus_summary import summarise_corpus
    from auricle.data.generate import MANIFEST, inspect_manifest
    from auricle.data.recordings import TABLE, read_corpus

    of_corpus = path.name == TABLE or (path.is_dir() and not (path / MANIFEST).is_file())
    if of_corpus:
        summary = summarise_corpus(read_corpus(path if path.is_dir() else path.parent))
    else:
        summary = inspect_manifest(path)
    if json_:
        print(json.dumps(summary, indent=2))
    elif of_corpus:
        _show_corpus(summary)
    else:
        _show_manifest(summary)


def _show_corpus(summary: Mapping[str, Any]) -> None:
    console = Console(markup=False, highlight=False)
    console.print(
        f"{summary['recordings']} recordings, {summary['excerpts']} excerpts,"
        f" {summary['hours']} hours"
    )
    for title in ("per_kind", "per_source"):
        console.print(f"\nrecordings {title.replace('_', ' ')}")
        for name, count in summary[title].items():
            console.print(f"  {count:6d}  {name}")
    console.print()
    for title in ("synthetic_share", "lossy_share"):
        if summary[title] is not None:
            console.print(f"{100 * summary[title]:5.1f} % of the recordings {title.split('_')[0]}")
    for title in ("clipped", "mono", "stereo"):
        console.print(f"{summary[title]:5d} excerpts {title}")
    console.print("\nbandwidth, quantile and Hz" if summary["bandwidth_hz"] else "\nno bandwidths")
    for quantile, hertz in summary["bandwidth_hz"].items():
        console.print(f"  {quantile:>6s}  {hertz}")


def _show_manifest(summary: Mapping[str, Any]) -> None:
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
    tables: Annotated[
        list[Path],
        typer.Argument(help="Manifests with their clips beside them; tables of rated clips."),
    ],
    recipe: Annotated[str, typer.Option(help="The training recipe whose front end to use.")],
    output: Annotated[Path, typer.Option(help="Folder for the features.")],
    axis: Annotated[
        str | None, typer.Option(help="Axis of rated clips whose mean to learn, such as mos.")
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(help="Folder that the rated clips' paths start from [beside the table]."),
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="As for 'auricle train'; repeatable.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Compute the spectrograms that 'auricle train' reads.

    No recording may be in one split of one table and in another of the next. Clips of a manifest
    are as long as the recipe's segment or longer; rated clips (--axis) of any length: shorter ones
    are repeated, of longer ones the middle is taken.
    """
    from auricle.data.features import label_rated, write_features
    from auricle.data.manifest import merge_manifests
    from auricle.data.rated import merge_rated
    from auricle.training.recipe import load_recipe

    if axis is None and audio is not None:
        raise ConfigError("--audio is for tables of rated clips: say by --axis what to learn")
    system = load_recipe(recipe, override or []).system
    if axis is None:
        clips = merge_manifests(tables)
    else:
        clips = label_rated(merge_rated(tables, audio), axis)
    with progress_bar() as bar:
        task = bar.add_task("features", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        found = write_features(
            clips,
            Path(),
            output,
            system.front_end.build(),
            seconds=system.segment,
            any_length=axis is not None,
            jobs=jobs,
            progress=advance,
        )
    print(f"{len(found.clips)} clips: {output}")
    for path, reason in found.unheard:
        print(f"left out: {path}: {reason}")


@app.command()
def ratings(
    folder: Annotated[Path, typer.Argument(help="Folder with the published tables.")],
    output: Annotated[Path, typer.Option(help="Table of rated clips (CSV) to write.")],
    layout: Annotated[
        Literal["audiomos", "nisqa"], typer.Option(help="Whose tables they are.")
    ] = "audiomos",
    audio: Annotated[
        Path | None,
        typer.Option(help="Folder of the audio: clips that are not there are left out."),
    ] = None,
    remap: Annotated[
        list[str] | None,
        typer.Option(help="OLD=NEW: replace the beginning of paths; repeatable."),
    ] = None,
) -> None:
    """Write the ratings of published listening tests as one table of rated clips.

    By the layout audiomos those of AudioMOS 2025 track 2 and of PAM, as MMMOS trains on them:
    training and development lists of the challenge, its evaluation clips as test split, and PAM
    divided 80/20 by generating system. By nisqa those of the NISQA Corpus, divided as it is.
    """
    from auricle.data.aes import read_challenge, read_pam
    from auricle.data.nisqa import read_nisqa
    from auricle.data.rated import find_audio, stratify, write_rated

    pairs = [pair.partition("=") for pair in remap or ()]
    if any(not equals for _, equals, _ in pairs):
        raise ConfigError("--remap looks like OLD=NEW")
    if layout == "nisqa":
        clips = read_nisqa(folder)
    else:
        clips = [*read_challenge(folder), *stratify(read_pam(folder))]
    if audio is not None:
        clips, missing = find_audio(clips, audio, {old: new for old, _, new in pairs})
        print(
            f"{len(missing)} clips are not in {audio}"
            + "".join(f"\n  {c.path}" for c in missing[:5])
        )
        if not clips:
            raise DataError(f"none of the clips is in {audio}: see --remap")
    write_rated(clips, output)
    print(f"{len(clips)} clips: {output}")
