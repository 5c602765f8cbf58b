"""Codecs that are programs of their own: called without a shell, decoded, aligned, measured."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DecodeError, InputError
from auricle.degrade.codecs import Coded
from auricle.degrade.rates import check, convert_back
from auricle.signal.align import estimate_delay
from auricle.signal.io import read_audio
from auricle.signal.resample import resample

_FORM = "NAME=encoder {in} {out} {kbps}"
_PLACEHOLDERS = ("{in}", "{coded}", "{out}", "{bitrate}", "{kbps}")
# Pipes, redirections, lists and jobs.
_OF_SHELLS = r"\|+|&|.*;|\d?[<>].*"
_LONGEST = 600.0
"""Seconds that one call of a program may take."""


@dataclass(frozen=True, slots=True)
class Program:
    """A codec by `name` and the `steps` that run it, each a program with its arguments."""

    name: str
    steps: tuple[tuple[str, ...], ...]


def parse_program(text: str) -> Program:
    """Read `NAME=COMMAND`, or `NAME=COMMAND && COMMAND` for an encoder and its decoder.

    In the commands stand `{in}`, a WAV file to encode; `{out}`, the file to write; and the bitrate
    as `{bitrate}` in bit/s or `{kbps}` in kb/s. With one command `{out}` is the coded file, which
    FFmpeg must be able to decode. With a decoder of its own the coded file is `{coded}`, and
    `{out}` what the decoder writes. A suffix may follow: `{out}.opus`. No shell is involved.

    Raises `ConfigError` for another form, or a program that cannot be found.

    >>> parse_program("copy=cp {in} {out}.wav").steps
    (('cp', '{in}', '{out}.wav'),)
    """
    name, equals, command = text.partition("=")
    if not equals:
        raise ConfigError(f"{text!r} names no codec: write it as in {_FORM!r}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name.strip()):
        raise ConfigError(
            f"no codec can be called {name!r}, as in {_FORM!r}: names are of the letters a to z,"
            " digits, '-', '_' and '.', and begin with a letter or digit"
        )
    try:
        steps = tuple(tuple(shlex.split(part)) for part in command.split("&&"))
    except ValueError as error:
        raise ConfigError(f"the command of {name} cannot be read: {error}") from error
    if "{in}" not in command or "{out}" not in command or not all(steps):
        raise ConfigError(f"the command of {name} lacks {{in}} or {{out}}: see {_FORM!r}")
    if (len(steps) > 1) != ("{coded}" in command):
        raise ConfigError(
            f"{name}: {{coded}} stands between an encoder and a decoder, joined by &&, as in"
            " 'NAME=encoder {in} {coded} {kbps} && decoder {coded} {out}.wav'"
        )
    _check_words(name, [word for step in steps for word in step])
    for step in steps:
        if shutil.which(step[0]) is None:
            raise ConfigError(f"the program {step[0]!r} of {name} is not there")
    return Program(name.strip(), steps)


def _check_words(name: str, words: list[str]) -> None:
    """Raise `ConfigError` for what only a shell would understand, and unknown placeholders."""
    for word in words:
        if re.fullmatch(_OF_SHELLS, word):
            raise ConfigError(
                f"the command of {name}: no shell reads it, so {word!r} means nothing; put what"
                " needs a shell in a script and call that"
            )
        for placeholder in re.findall(r"\{[A-Za-z_]\w*\}", word):
            if placeholder not in _PLACEHOLDERS:
                raise ConfigError(
                    f"the command of {name} has {placeholder}, which stands for nothing: there are"
                    f" {', '.join(_PLACEHOLDERS)}"
                )


def run_program(audio: Audio, program: Program, bitrate: int) -> Coded:
    """Encode and decode audio by a program at `bitrate` (bit/s): same rate, length, channels.

    The program gets a WAV file of 24 bit; what it makes of it is resampled to the rate of `audio`
    and the delay, of up to a second, removed. The bitrate told is that of the coded file, whole.

    Raises `InputError` when a program fails, writes nothing or changes the channels, `DecodeError`
    when that cannot be decoded, `SignalError` when it is silent or `audio` has no samples.

    >>> import numpy as np
    >>> noise = Audio.from_array(np.random.default_rng(0).uniform(-0.5, 0.5, 8000), 8000)
    >>> round(run_program(noise, parse_program("copy=cp {in} {out}"), 64000).bitrate / 1000)
    192
    """
    check(audio)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source.wav")
        soundfile.write(
            source, np.clip(audio.samples.T, -1.0, 1.0), audio.sample_rate, subtype="PCM_24"
        )
        places = {
            "{in}": str(source),
            "{coded}": str(Path(folder, "coded")),
            "{out}": str(Path(folder, "out")),
            "{bitrate}": str(bitrate),
            "{kbps}": f"{bitrate / 1000:g}",
        }
        for step in program.steps:
            _call(program.name, [_fill(word, places) for word in step])
        bits = 8 * _find(program, folder, "coded" if len(program.steps) > 1 else "out")[1]
        written, _ = _find(program, folder, "out")
        try:
            decoded = read_audio(written)
        except InputError as error:
            raise DecodeError(f"what {program.name} wrote: {error}") from error
    return Coded(_fit(decoded, audio, program), bits / audio.duration)


def _fill(word: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        word = word.replace(name, value)
    return word


def _call(name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{name} took more than {_LONGEST:.0f} s and was stopped") from error
    except OSError as error:
        raise InputError(f"{name} cannot be run: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"{name} failed ({done.returncode}): {said[-1] if said else 'no message'}")


def _find(program: Program, folder: str, name: str) -> tuple[Path, int]:
    """Return the file that a placeholder stood for, with whichever suffix, and its bytes."""
    found = sorted(Path(folder).glob(f"{name}*"))
    if len(found) != 1 or not found[0].stat().st_size:
        raise InputError(f"{program.name} wrote no file in place of {{{name}}}")
    return found[0], found[0].stat().st_size


def _fit(decoded: Audio, original: Audio, program: Program) -> Audio:
    if decoded.channels != original.channels:
        raise InputError(
            f"{program.name} changed the number of channels from {original.channels} to"
            f" {decoded.channels}"
        )
    decoded = resample(decoded, original.sample_rate)
    delay = estimate_delay(original, decoded)
    samples = np.pad(decoded.samples, ((0, 0), (max(-delay, 0), 0)))[:, max(delay, 0) :]
    moved = Audio.from_array(samples, original.sample_rate, original.source)
    return convert_back(moved, original)
