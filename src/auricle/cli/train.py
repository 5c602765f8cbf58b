"""`auricle train`: from features, rated clips or pairs to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from auricle.core.errors import ConfigError

if TYPE_CHECKING:
    from auricle.training.distance_fit import DistanceEpoch
    from auricle.training.fusion_fit import MemberEpoch
    from auricle.training.pretraining_fit import PretrainingEpoch
    from auricle.training.repeats import Repeat
    from auricle.training.track import Epoch


def train(
    recipe: Annotated[str, typer.Argument(help="An embedded recipe's name, or a YAML file.")],
    output: Annotated[Path, typer.Option(help="Folder for log, checkpoint and bundle.")],
    features: Annotated[
        Path | None,
        typer.Option(help="Folder written by 'auricle data features', for spectrogram networks."),
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help="Table of rated clips (CSV), for fused encoders.")
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Folder that the clips' paths start from [beside --clips].")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Folder written by 'auricle data pairs', for distances and pretraining."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for embeddings [OUTPUT/embeddings].")
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Such as optimiser.lr=3e-4; repeatable.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not go on from a checkpoint that is there.")
    ] = False,
    repeats: Annotated[
        int,
        typer.Option(min=1, help="Trainings with seeds one apart, in folders 1, 2, ... of output."),
    ] = 1,
) -> None:
    """Train a model or a grid of models, calibrate intervals, export a bundle."""
    from auricle.recipes.reading import recipe_kind

    kind = recipe_kind(recipe, "systems")
    _require_source(recipe, kind, {"--features": features, "--clips": clips, "--pairs": pairs})
    if repeats > 1 and kind is not None:
        raise ConfigError("--repeats is for spectrogram networks; a grid may vary 'seed'")
    embeddings = cache or output / "embeddings"
    if features is not None:
        _train_network(recipe, override or [], features, output, not fresh, repeats)
    elif pairs is not None:
        learn = _pretrain if kind == "pretraining" else _train_distance
        learn(recipe, override or [], pairs, embeddings, output, not fresh)
    elif clips is not None:
        folders = (audio or clips.parent, embeddings)
        runs = {"grid": _train_grid, "aspects": _train_aspects}
        run = runs.get(kind or "", _train_fusion)
        run(recipe, override or [], clips, *folders, output, not fresh)


def _require_source(recipe: str, kind: str | None, given: Mapping[str, Path | None]) -> None:
    """Raise `ConfigError` unless a recipe is given what its kind learns from, and that alone."""
    wanted, what = {
        None: ("--features", "spectrograms"),
        "distance": ("--pairs", "pairs of clips"),
        "pretraining": ("--pairs", "pairs of clips"),
    }.get(kind, ("--clips", "rated clips"))
    others = [name for name, path in given.items() if path is not None and name != wanted]
    if given[wanted] is None or others:
        instead = f", not {' and '.join(others)}" if others else ""
        raise ConfigError(f"{recipe} learns from {what}: give {wanted}{instead}")


def _train_network(
    recipe: str, overrides: list[str], features: Path, output: Path, resume: bool, repeats: int
) -> None:
    # torch takes seconds to import and is an extra: only this command needs it.
    from auricle.training.loop import train as run
    from auricle.training.recipe import load_recipe
    from auricle.training.repeats import train_repeats

    out = Console(highlight=False, markup=False)
    loaded = load_recipe(recipe, overrides)

    scale = loaded.system.spec.scale

    def show(epoch: Epoch) -> None:
        out.print(
            f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:8.4f}"
            f"  validation RMSE {scale.span * epoch.validation_rmse:5.2f} {scale}"
            f"  PCC {epoch.validation_pcc:.3f}  lr {epoch.learning_rate:.1e}"
            f"  {epoch.seconds:.0f} s",
            soft_wrap=True,
        )

    if repeats == 1:
        out.print(f"bundle: {run(loaded, features, output, resume=resume, on_epoch=show)}")
        return
    found = train_repeats(
        loaded,
        features,
        output,
        repeats,
        resume=resume,
        on_epoch=show,
        on_repeat=lambda number, repeat: out.print(f"{output / str(number)}: seed {repeat.seed}"),
    )
    out.print(_tabulate(found))


def _train_fusion(
    recipe: str,
    overrides: list[str],
    clips: Path,
    audio: Path,
    cache: Path,
    output: Path,
    resume: bool,
) -> None:
    from auricle.data.rated import read_rated
    from auricle.training.fusion_loop import train_fusion
    from auricle.training.fusion_recipe import load_fusion_recipe

    show = _Progress()
    bundle, embedded = train_fusion(
        load_fusion_recipe(recipe, overrides),
        read_rated(clips),
        audio,
        cache,
        output,
        resume=resume,
        on_clip=show.clip,
        on_epoch=show.epoch,
    )
    show.unheard(embedded.unheard)
    show.bundle(bundle)


def _train_grid(
    recipe: str,
    overrides: list[str],
    clips: Path,
    audio: Path,
    cache: Path,
    output: Path,
    resume: bool,
) -> None:
    from auricle.data.rated import read_rated
    from auricle.training.fusion_recipe import load_grid
    from auricle.training.grid import train_grid
    from auricle.training.grid_report import write_report

    show = _Progress()
    grid = load_grid(recipe)
    result = train_grid(
        grid,
        read_rated(clips),
        audio,
        cache,
        output,
        overrides=overrides,
        resume=resume,
        on_clip=show.clip,
        on_model=show.model,
        on_epoch=show.epoch,
    )
    write_report(grid, result, output)
    show.unheard(result.embedded.unheard)
    show.out.print(f"results: {output / 'results.md'}")
    show.bundle(result.bundle)


def _train_aspects(
    recipe: str,
    overrides: list[str],
    clips: Path,
    audio: Path,
    cache: Path,
    output: Path,
    resume: bool,
) -> None:
    from auricle.data.rated import read_rated
    from auricle.training.aspect_recipe import load_aspects
    from auricle.training.aspect_report import write_aspect_report
    from auricle.training.aspects import train_aspects

    show = _Progress()
    search = load_aspects(recipe)
    result = train_aspects(
        search,
        read_rated(clips),
        audio,
        cache,
        output,
        overrides=overrides,
        resume=resume,
        on_clip=show.clip,
        on_model=show.model,
        on_epoch=show.epoch,
    )
    write_aspect_report(search, result, output)
    show.unheard(result.embedded.unheard)
    for axis, strategy in result.chosen.items():
        show.out.print(f"{axis}: {strategy}")
    show.out.print(f"results: {output / 'results.md'}")
    show.bundle(result.bundle)


def _train_distance(
    recipe: str, overrides: list[str], pairs: Path, cache: Path, output: Path, resume: bool
) -> None:
    from auricle.training.distance_loop import train_distance
    from auricle.training.distance_recipe import load_distance_recipe

    show = _Progress()
    bundle, heard = train_distance(
        load_distance_recipe(recipe, overrides),
        pairs,
        cache,
        output,
        resume=resume,
        on_clip=show.clip,
        on_epoch=show.distance_epoch,
    )
    show.unheard(heard.unheard)
    show.bundle(bundle)


def _pretrain(
    recipe: str, overrides: list[str], pairs: Path, cache: Path, output: Path, resume: bool
) -> None:
    from auricle.training.pretraining_loop import pretrain
    from auricle.training.pretraining_recipe import load_pretraining_recipe

    show = _Progress()
    weights, heard = pretrain(
        load_pretraining_recipe(recipe, overrides),
        pairs,
        cache,
        output,
        resume=resume,
        on_clip=show.clip,
        on_epoch=show.pretraining_epoch,
    )
    show.unheard(heard.unheard)
    show.out.print(f"encoder: {weights}")


class _Progress:
    """What is going on, line by line: it reads well in a log too."""

    def __init__(self) -> None:
        self.out = Console(highlight=False, markup=False, soft_wrap=True)

    def clip(self, done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            self.out.print(f"went through {done} of {total} clips")

    def model(self, name: str, number: int, total: int) -> None:
        self.out.print(f"{number} of {total}: {name}")

    def epoch(self, epoch: MemberEpoch) -> None:
        self.out.print(
            f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:8.4f}"
            f"  validation loss {epoch.validation_loss:8.4f}  {epoch.seconds:.0f} s"
        )

    def distance_epoch(self, epoch: DistanceEpoch) -> None:
        self.out.print(
            f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:8.4f}"
            f"  validation loss {epoch.loss:8.4f}  SRCC {epoch.consensus:.3f} (consensus)"
            f" {epoch.visqol:.3f} (ViSQOL) {epoch.non_matching:.3f} (non-matching)"
            f"  ladders {epoch.ladder:.3f}  lr {epoch.learning_rate:.1e}  {epoch.seconds:.0f} s"
        )

    def pretraining_epoch(self, epoch: PretrainingEpoch) -> None:
        self.out.print(
            f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:8.4f}"
            f"  validation loss {epoch.loss:8.4f}  triplets {epoch.triplets:.3f}"
            f"  SRCC {epoch.correlation:.3f}  lr {epoch.learning_rate:.1e}  {epoch.seconds:.0f} s"
        )

    def bundle(self, folder: Path) -> None:
        self.out.print(f"bundle: {folder}")
        reason = folder.with_name("export.txt")
        if reason.is_file():
            why = reason.read_text(encoding="utf-8").splitlines()[0]
            self.out.print(f"it needs torch to score, since it was not exported: {why}")

    def unheard(self, clips: Sequence[tuple[str, str]]) -> None:
        for path, reason in clips:
            self.out.print(f"left out: {path}: {reason}")


def _tabulate(found: Sequence[Repeat]) -> Table:
    from auricle.training.repeats import MEASURES, summarise

    def cell(name: str, value: float | None) -> str:
        if value is None:
            return "-"
        return f"{value:.3f}" if name.endswith("cc") else f"{value:.2f}"

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("seed", justify="right")
    for name in MEASURES:
        group, _, measure = name.rpartition("_")
        table.add_column(
            f"{group} {measure.upper() if group else measure}".strip(), justify="right"
        )
    for repeat in found:
        values = (cell(name, getattr(repeat, name)) for name in MEASURES[1:])
        table.add_row(str(repeat.seed), str(repeat.epochs), *values)
    summary = summarise(found)
    for place, title in enumerate(("mean", "SD")):
        spreads = ((name, summary[name]) for name in MEASURES)
        table.add_row(title, *(cell(n, None if s is None else s[place]) for n, s in spreads))
    return table
