"""`auricle degrade`: apply processes to one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, InputError


def degrade(
    source: Annotated[Path, typer.Argument(help="The audio file to degrade.")],
    target: Annotated[Path, typer.Argument(help="Where to write: .flac (24 bit) or .wav.")],
    process: Annotated[
        list[str],
        typer.Option(help="Such as opus:32k, lowpass:7500, mp3:64k+aac:96k; repeatable."),
    ],
    noise: Annotated[
        Path | None, typer.Option(help="Recorded noise to put under it, for the process snr.")
    ] = None,
) -> None:
    """Degrade a file by codecs and filters; the result stays aligned to the sample.

    What is worth a warning, a damaged source or clipping, is told on standard error.

    A process is a kind, a colon and a whole number; + joins processes. Codecs: mp2, mp3, mp3vbr,
    aac, aacfast, opus, vorbis, ac3, eac3, wma, sbc, alaw, adpcm. Filters: lowpass, highpass,
    anchor, darken, resample. Amplitude: clip, saturate, quantise. Noise: noise, pink, mnru,
    musical, and snr, which needs --noise. Other sources: babble, mask. Spectrum: holes,
    vocode, suppress, erode. Time: loss, jitter, reverb. Stereo: narrow.
    """
    # Filters take a while to import, and scoring does not need them.
    from auricle.degrade.base import apply_cascade, parse_cascade
    from auricle.signal.io import read_audio, read_with_notices, write_audio

    if source.resolve() == target.resolve():
        raise ConfigError(f"the result would overwrite {source}: give it another name")
    steps = [step for text in process for step in parse_cascade(text)]
    if not steps:
        raise ConfigError("--process is empty: say for instance opus:32k")
    if noise is not None and all(step.kind != "snr" for step in steps):
        raise ConfigError("--noise is for the process snr: say for instance --process snr:10")
    with _told_of(source):
        audio, notices = read_with_notices(source)
    under = None
    if noise is not None:
        with _told_of(noise):
            under = read_audio(noise, sample_rate=audio.sample_rate)
    with _told_of(source):
        degraded = apply_cascade(audio, steps, under)
    write_audio(target, degraded)
    told = [f"{source}: {notice.kind}: {notice.message}" for notice in notices]
    if target.suffix.lower() == ".flac":
        told += _clipping(degraded, target)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for text in told:
        errors.print(f"auricle: warning: {text}", markup=False)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Say of what is wrong with a file which one it is."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


def _clipping(audio: Audio, target: Path) -> list[str]:
    """Say what of it a FLAC file cannot hold."""
    beyond = float(np.mean(np.abs(audio.samples) > 1.0))
    if beyond == 0.0:
        return []
    share = "less than 0.001" if beyond < 1e-5 else f"{100 * beyond:.3g}"
    return [
        f"{target}: clipped: {share}% of the samples lay beyond full scale; a .wav file holds them"
    ]
