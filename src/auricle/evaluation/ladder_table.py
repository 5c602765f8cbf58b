"""Ladders: degradations of one kind, from hardly any to a lot."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from auricle.core.errors import ConfigError
from auricle.degrade.base import format_cascade, parse_cascade

CLEAN = ""
"""The process text of the top rung of every ladder: the clip as it is."""

ALL = "all"
"""The name under which a metric's pairs on all ladders are counted together."""

_BITRATES = ("128k", "96k", "64k", "48k", "32k")
_RATIOS = (60, 50, 40, 30, 20, 10)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A name and its `rungs`, process texts from mild to severe below the clean clip.

    The texts are put into their canonical form. Raises `ConfigError` for the name `ALL`, fewer than
    two rungs, one that comes twice or has no process, a typo, and `snr`, which needs a recording of
    noise.

    >>> Ladder("speech", ("opus:24000", "opus:16k + lowpass:3500")).rungs
    ('opus:24k', 'opus:16k+lowpass:3500')
    """

    name: str
    rungs: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.name == ALL:
            raise ConfigError(f"a ladder cannot be called {ALL!r}: that is what all of them are")
        cascades = [parse_cascade(text) for text in self.rungs]
        texts = tuple(map(format_cascade, cascades))
        if CLEAN in texts:
            raise ConfigError(f"ladder {self.name!r} has an empty rung: the clean clip is there")
        if len(texts) < 2 or len(set(texts)) < len(texts):
            raise ConfigError(
                f"ladder {self.name!r} needs at least two rungs, each of them once,"
                " as in NAME=opus:96k,opus:48k,opus:24k"
            )
        if any(process.kind == "snr" for cascade in cascades for process in cascade):
            raise ConfigError(
                f"ladder {self.name!r}: snr needs a recording of noise, which ladders do not have;"
                " noise, pink and babble bring their own"
            )
        object.__setattr__(self, "rungs", texts)


def _ladder(name: str, kind: str, values: Sequence[str | int]) -> Ladder:
    return Ladder(name, tuple(f"{kind}:{value}" for value in values))


LADDERS: Mapping[str, Ladder] = MappingProxyType(
    {
        ladder.name: ladder
        for ladder in (
            _ladder("bitrate-mp3", "mp3", _BITRATES),
            _ladder("bitrate-aac", "aac", _BITRATES),
            _ladder("bitrate-opus", "opus", (*_BITRATES, "24k", "16k")),
            _ladder("bitrate-vorbis", "vorbis", _BITRATES[:-1]),
            _ladder("low-pass", "lowpass", (20_000, 16_000, 12_000, 9_000, 7_000, 5_000, 3_500)),
            _ladder("noise-white", "noise", _RATIOS),
            _ladder("noise-pink", "pink", _RATIOS),
            _ladder("clipping", "clip", (1, 2, 5, 10, 20, 40)),
            _ladder("quantisation", "quantise", (12, 10, 8, 7, 6, 5, 4)),
            _ladder("packet-loss", "loss", (1, 3, 5, 10, 20, 30)),
        )
    }
)
"""The ladders that are there, by name."""


def find_ladders(texts: Sequence[str] = ()) -> tuple[Ladder, ...]:
    """Return ladders by name, or those that `NAME=RUNG,RUNG,...` describes, mild to severe.

    Without any they are all of `LADDERS`. Raises `ConfigError` for an unknown name, a name that
    comes twice, and what `Ladder` refuses.

    >>> [ladder.name for ladder in find_ladders(["low-pass", "tandem=opus:64k,opus:64k+mp3:64k"])]
    ['low-pass', 'tandem']
    """
    found = tuple(map(_find, texts)) or tuple(LADDERS.values())
    names = [ladder.name for ladder in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"ladder {twice!r} is there twice: give one of them another name")
    return found


def _find(text: str) -> Ladder:
    name, equals, rungs = text.partition("=")
    if equals and name.strip():
        return Ladder(name.strip(), tuple(rungs.split(",")))
    if text in LADDERS:
        return LADDERS[text]
    near = difflib.get_close_matches(text, LADDERS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"no ladder is called {text!r}: {hint}there are {', '.join(LADDERS)},"
        " or NAME=opus:96k,opus:48k,opus:24k"
    )
