"""`auricle data opinion`: what stands in for listeners, as a table of rated clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def opinion(
    pairs: Annotated[Path, typer.Argument(help="Folder written by 'auricle data pairs'.")],
    output: Annotated[
        Path | None, typer.Option(help="Table of rated clips to write [PAIRS/opinion.csv].")
    ] = None,
    dynamics: Annotated[
        float,
        typer.Option(
            help="Least fall from loud to quiet moments of an original, in dB; else it is noisy."
        ),
    ] = 44.0,
) -> None:
    """Estimate the mean opinion of pairs of speech from their labels, by PESQ and Zimtohrli.

    The axis is called mos and runs from 1 to 5; paths start from the folder of the pairs, and ids
    with its name, so that tables of several folders go together.
    """
    from auricle.data.pairs import read_clips
    from auricle.data.pseudo_mos import keep_clean, rate_pairs
    from auricle.data.rated import write_rated

    clips = [clip for clip in read_clips(pairs) if not clip.error]
    clean = keep_clean(clips, pairs, dynamics)
    rated = rate_pairs(clean, pairs.resolve().name)
    table = output or pairs / "opinion.csv"
    write_rated(rated, table)
    left = len(clips) - len(clean)
    print(f"{len(rated)} rated clips, {left} of originals that are not clean left out: {table}")
