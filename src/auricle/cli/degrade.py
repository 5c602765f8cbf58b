"""`auricle degrade`: apply processes to one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auricle.core.errors import ConfigError, InputError


def degrade(
    source: Annotated[Path, typer.Argument(help="The audio file to degrade.")],
    target: Annotated[Path, typer.Argument(help="Where to write: .flac (24 bit) or .wav.")],
    process: Annotated[
        list[str],
        typer.Option(help="Such as opus:32k, lowpass:7500, mp3:64k+aac:96k; repeatable."),
    ],
) -> None:
    """Degrade a file by codecs and filters; the result stays aligned to the sample."""
    # Filters take a while to import, and scoring does not need them.
    from auricle.degrade.base import apply_cascade, parse_cascade
    from auricle.signal.io import read_audio, write_audio

    if source.resolve() == target.resolve():
        raise ConfigError(f"the result would overwrite {source}: give it another name")
    steps = [step for text in process for step in parse_cascade(text)]
    if not steps:
        raise ConfigError("--process is empty: say for instance opus:32k")
    try:
        audio = read_audio(source)
    except InputError as error:
        raise type(error)(f"{source}: {error}") from error
    write_audio(target, apply_cascade(audio, steps))
