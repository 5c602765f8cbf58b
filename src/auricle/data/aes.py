"""Adapters for the rated clips of Audiobox Aesthetics and of AudioMOS Challenge 2025, track 2.

Per clip ten raters scored production quality and complexity, content enjoyment and usefulness, each
0..10. The tables are published with
A. Tjandra et al., "Meta Audiobox Aesthetics: Unified Automatic Quality Assessment for Speech,
Music, and Sound", 2025 (AES-natural, AES-PAM), and with the challenge; the audio is not, it comes
from the corpora that the paths name.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from auricle.core.errors import DataError
from auricle.data.manifest import Split
from auricle.data.rated import Domain, RatedClip, check_rated

AXES: Final = (
    "production_quality",
    "production_complexity",
    "content_enjoyment",
    "content_usefulness",
)

LOW: Final = 0.0
HIGH: Final = 10.0
"""The scale of every axis."""

NATURAL: Final[Mapping[str, Domain]] = {
    "AES_natural_speech.jsonl": "speech",
    "AES_natural_music.jsonl": "music",
    "AES_natural_sound.jsonl": "sound",
}
PAM: Final = "AES_PAM.jsonl"
CHALLENGE_TRAIN: Final = "audiomos2025-track2-train_list.csv"
CHALLENGE_DEV: Final = "audiomos2025-track2-dev_list.csv"
CHALLENGE_TEST: Final = "audiomos2025_track2_human_annotations.jsonl"

_KEYS: Final = {axis: axis.title() for axis in AXES}
_PREFIX: Final = "/your_path/"
_CHALLENGE_ID: Final = re.compile(r"audiomos2025-track2-(sys\w+)-utt\w+")
_DOMAIN_OF_PAM: Final[Mapping[str, Domain]] = {"audio": "sound", "music": "music"}


def read_natural(folder: Path, split: Split = "train") -> list[RatedClip]:
    """Read AES-natural: recorded speech, music and sound, ten raters each.

    `folder` holds the three files named in `NATURAL`. `system` is the corpus that the path names
    (EARS, LibriTTS, cv-corpus, MUSDB18, musiccaps, AudioSet's unbalanced_train_segments), and
    `recording` the song of MUSDB18's stems or the speaker of EARS and LibriTTS. All are in
    `split`, as the tables divide nothing: see `auricle.data.rated.stratify`.
    Raises `DataError` naming file and line for a row that does not fit.
    """
    clips = [clip for name in NATURAL for clip, _ in read_table(folder / name, split)]
    check_rated(clips, folder)
    return clips


def read_pam(folder: Path, split: Split = "train") -> list[RatedClip]:
    """Read AES-PAM: sound and music of eight generators, and real ones, ten raters each.

    `folder` holds the file named in `PAM`. `system` is the generator and its domain, such as
    `music/musicgen_large`, and `recording` the prompt: clips of one prompt, by whichever
    generator, stay together. All are in `split`. Raises `DataError` as `read_natural` does.
    """
    clips = [clip for clip, _ in read_table(folder / PAM, split)]
    check_rated(clips, folder)
    return clips


def read_challenge(folder: Path) -> list[RatedClip]:
    """Read track 2 of AudioMOS Challenge 2025: its training, development and evaluation lists.

    The lists of training and development name clips of AES-natural, whose ten scores are taken
    from the files in `NATURAL`; they become the splits train and validation. Songs and speakers are
    in both lists, so no `recording` is given there. Evaluation clips are generated: `system` is
    the anonymous one in their id, and their path is the id with `.wav`; domains are not
    published. Raises `DataError` as `read_natural` does, and for a listed clip that AES-natural
    lacks or whose means differ from its ten scores.
    """
    natural = {clip.path: clip for clip in read_natural(folder)}
    clips = _read_list(folder / CHALLENGE_TRAIN, "train", natural)
    clips += _read_list(folder / CHALLENGE_DEV, "validation", natural)
    clips += [clip for clip, _ in read_table(folder / CHALLENGE_TEST, "test")]
    check_rated(clips, folder)
    return clips


def read_table(path: Path, split: Split) -> Iterator[tuple[RatedClip, str]]:
    """Yield the clips of one of the JSON Lines files, known by its name, and where each stands.

    Raises `DataError` as `read_natural` does.
    """
    for row, scores, place in _read_lines(path):
        name = row["data_path"]
        if path.name in NATURAL:
            yield _natural_clip(name, scores, NATURAL[path.name], split, place), place
        elif path.name == PAM:
            yield _pam_clip(name, scores, split, place), place
        else:
            yield _challenge_clip(name, scores, split, place), place


def _natural_clip(
    data_path: str, scores: dict[str, tuple[float, ...]], domain: Domain, split: Split, place: str
) -> RatedClip:
    path = _strip(data_path, place)
    parts = PurePosixPath(path).parts
    system = parts[0]
    name_recording = _RECORDINGS.get(system)
    recording = name_recording(parts) if name_recording else ""
    return RatedClip(path, path, split, system, recording, domain, scores)


def _pam_clip(
    data_path: str, scores: dict[str, tuple[float, ...]], split: Split, place: str
) -> RatedClip:
    path = _strip(data_path, place)
    parts = PurePosixPath(path).parts
    if len(parts) != 5 or parts[:2] != ("PAM", "human_eval"):
        raise DataError(f"{place}: {path} is not PAM/human_eval/DOMAIN/SYSTEM/FILE")
    _, _, kind, system, file = parts
    if kind not in _DOMAIN_OF_PAM:
        raise DataError(f"{place}: {path} is neither audio nor music")
    prompt = f"PAM/{kind}/{PurePosixPath(file).stem}"
    return RatedClip(path, path, split, f"{kind}/{system}", prompt, _DOMAIN_OF_PAM[kind], scores)


def _challenge_clip(
    name: str, scores: dict[str, tuple[float, ...]], split: Split, place: str
) -> RatedClip:
    found = _CHALLENGE_ID.fullmatch(name)
    if found is None:
        raise DataError(f"{place}: {name!r} is no id such as audiomos2025-track2-sysX-uttY")
    return RatedClip(name, f"{name}.wav", split, found[1], "", "", scores)


def _song(parts: Sequence[str]) -> str:
    """MUSDB18/train/Song/drums.wav: stems of one song are one recording."""
    return "/".join(parts[:3])


def _speaker_of_ears(parts: Sequence[str]) -> str:
    """EARS/p001/emo_contentment_sentences.wav."""
    return "/".join(parts[:2])


def _speaker_of_libritts(parts: Sequence[str]) -> str:
    """LibriTTS/train-clean-360/1446/122614/1446_122614_000007_000001.wav."""
    return "/".join((parts[0], *parts[2:3]))


_RECORDINGS: Final[Mapping[str, Callable[[Sequence[str]], str]]] = {
    "MUSDB18": _song,
    "EARS": _speaker_of_ears,
    "LibriTTS": _speaker_of_libritts,
}


def _strip(path: str, place: str) -> str:
    if not path.startswith(_PREFIX) or len(path) == len(_PREFIX):
        raise DataError(f"{place}: {path!r} does not begin with {_PREFIX}")
    return path.removeprefix(_PREFIX)


def _read_lines(
    path: Path,
) -> Iterator[tuple[Mapping[str, Any], dict[str, tuple[float, ...]], str]]:
    """Yield each row of a JSON Lines file with its scores, and where it stands."""
    if not path.is_file():
        raise DataError(f"there is no {path.name} in {path.parent}: it is published with the data")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        place = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{place}: it is not JSON: {error}") from error
        if not isinstance(row, dict) or not isinstance(row.get("data_path"), str):
            raise DataError(f"{place}: there is no data_path")
        scores = {axis: _to_scores(row, key, place) for axis, key in _KEYS.items()}
        yield row, scores, place


def _to_scores(row: Mapping[str, Any], key: str, place: str) -> tuple[float, ...]:
    values = row.get(key)
    if not isinstance(values, list) or not values:
        raise DataError(f"{place}: {key} is not a list of scores")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not LOW <= value <= HIGH:
            raise DataError(f"{place}: {key} holds {value!r}, no score from {LOW:g} to {HIGH:g}")
    return tuple(float(value) for value in values)


def _read_list(path: Path, split: Split, natural: Mapping[str, RatedClip]) -> list[RatedClip]:
    if not path.is_file():
        raise DataError(f"there is no {path.name} in {path.parent}: it is published with the data")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clips = []
    for number, row in enumerate(rows, start=2):
        place = f"{path}, line {number}"
        missing = [
            name for name in ("sample_id", "data_path", *_KEYS.values()) if not row.get(name)
        ]
        if missing:
            raise DataError(f"{place}: no value for {', '.join(missing)}")
        clip = natural.get(_strip(row["data_path"], place))
        if clip is None:
            raise DataError(f"{place}: AES-natural has no {row['data_path']}")
        _check_means(row, clip, place)
        clips.append(
            RatedClip(row["sample_id"], clip.path, split, clip.system, "", clip.domain, clip.scores)
        )
    return clips


def _check_means(row: Mapping[str, str], clip: RatedClip, place: str) -> None:
    for axis, key in _KEYS.items():
        try:
            mean = float(row[key])
        except ValueError as error:
            raise DataError(f"{place}: {key} is {row[key]!r}, not a number") from error
        if not math.isclose(mean, clip.mean(axis), abs_tol=1e-6):
            raise DataError(
                f"{place}: {key} is {mean:g}, but the mean of its scores is {clip.mean(axis):g}"
            )
