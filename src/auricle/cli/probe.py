"""`auricle probe`: what a network's representation tells besides quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from auricle.core.errors import BundleError, DataError, MissingDependencyError
from auricle.data.manifest import Split

if TYPE_CHECKING:
    from auricle.data.features import FeatureSet, LabelledClip
    from auricle.evaluation.probes import ProbeResult
    from auricle.systems.bundle import Bundle

_CLUSTERS = 8

Label = Literal["source", "codec", "process", "cluster"]


def probe(
    bundle: Annotated[str, typer.Argument(help="A spectrogram network: a folder or a name.")],
    features: Annotated[Path, typer.Option(help="Folder written by 'auricle data features'.")],
    label: Annotated[Label, typer.Option(help="What to tell; see docs/training.md.")],
    split: Annotated[Split, typer.Option(help="Which of the clips.")] = "test",
    against: Annotated[
        str | None, typer.Option(help="A network that hears the same features, to compare with.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of the clips as points.")] = None,
    method: Annotated[
        Literal["pca", "tsne"], typer.Option(help="How the picture finds its plane.")
    ] = "pca",
) -> None:
    """Tell how well a clip's source or codec is known from what a network makes of it."""
    from auricle.data.features import read_features
    from auricle.evaluation.plots import require_matplotlib
    from auricle.evaluation.probes import FOLDS, compare_representations
    from auricle.evaluation.probes import probe as run

    if picture is not None:
        # Before minutes of listening, not after.
        require_matplotlib()
    out = Console(highlight=False, markup=False)
    data = read_features(features)
    networks = {name: _open(name) for name in (bundle, against) if name is not None}
    names = _name_clips(data, label)
    rows, rare = _choose_rows(data, split, label, names)
    if rare:
        out.print(f"left out: {rare} classes that are in fewer than {FOLDS} recordings")
    labels = [names[row] for row in rows]
    recordings = [data.clips[row].recording for row in rows]
    vectors = {name: _embed(network, data, rows) for name, network in networks.items()}
    if against is None:
        out.print(_tabulate(label, {bundle: run(vectors[bundle], labels, recordings)}))
    else:
        change = compare_representations(vectors[bundle], vectors[against], labels, recordings)
        out.print(_tabulate(label, {bundle: change.before, against: change.after}))
        out.print(f"difference: accuracy {change.accuracy}, balanced {change.balanced}")
        fall = change.fall or "none, it is at chance from the first"
        out.print(f"balanced, share of the way to chance: {fall}")
    if picture is not None:
        from auricle.evaluation.representation import draw_representations

        opinions = np.array([data.clips[row].label for row in rows])
        quality = networks[bundle].config.label_scale(opinions)
        draw_representations(vectors, labels, quality, picture, label=label, method=method)


def _open(name: str) -> Bundle:
    from auricle.catalog import find_bundle
    from auricle.systems.bundle import Bundle

    found = find_bundle(name)
    if not isinstance(found, Bundle):
        raise BundleError(f"{name} is a system of another kind: a probe needs a spectrogram's")
    return found


def _choose_rows(
    data: FeatureSet, split: Split, label: Label, classes: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """Return the rows to probe, and how many classes are in too few recordings for that."""
    from auricle.data.batches import split_rows
    from auricle.evaluation.probes import FOLDS, frequent_rows

    rows = split_rows(data, split)
    names = [classes[row] for row in rows]
    kept = frequent_rows(names, [data.clips[row].recording for row in rows])
    common = {names[place] for place in kept}
    if len(common) < 2:
        raise DataError(
            f"{len(common)} classes of {label} are in {FOLDS} recordings or more of the {split}"
            " split, a probe needs two: try another --split or --label"
        )
    return rows[kept], len(set(names) - common)


def _name_clips(data: FeatureSet, label: Label) -> list[str]:
    """Return the class of every clip; clusters are as a fresh network's adversary has them."""
    if label != "cluster":
        return [_name(clip, label) for clip in data.clips]
    from auricle.data.batches import split_rows
    from auricle.data.domains import describe_bands, find_clusters

    found = find_clusters(describe_bands(data.log_mel), split_rows(data, "train"), _CLUSTERS)
    return [found.names[number] for number in found.of]


def _name(clip: LabelledClip, label: Label) -> str:
    from auricle.degrade.base import parse_cascade

    if label == "source":
        return clip.source or "none"
    if label == "process":
        return clip.process or "none"
    cascade = parse_cascade(clip.process)
    return cascade[0].kind if cascade else "none"


def _embed(bundle: Bundle, data: FeatureSet, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    try:
        from auricle.systems.system import load_system
        from auricle.training.fit import embed
    except ImportError as error:
        raise MissingDependencyError(error.name or "torch", extra="train") from error
    return embed(bundle.config, load_system(bundle), data, rows)


def _tabulate(label: Label, found: Mapping[str, ProbeResult]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(label)
    for name in found:
        table.add_column(name, overflow="fold")
    results = found.values()
    table.add_row("classes", *(str(len(result.classes)) for result in results))
    table.add_row("clips", *(str(result.clips) for result in results))
    table.add_row("accuracy", *(str(result.accuracy) for result in results))
    table.add_row("  by chance", *(f"{result.chance:.3f}" for result in results))
    table.add_row("balanced", *(str(result.balanced) for result in results))
    table.add_row("  by chance", *(f"{1.0 / len(result.classes):.3f}" for result in results))
    table.add_row("above chance", *(str(result.above_chance) for result in results))
    return table
