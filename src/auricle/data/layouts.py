"""Layouts: how data sets that are downloaded by hand lie on disk, and what they say of themselves.

Each gives the same thing: tracks, cut like those of a package. What must not be split between
training and test is one recording: a piece of music, or all that one speaker says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auricle.core.errors import DataError
from auricle.data.recordings import Kind
from auricle.data.tracks import Track, slugify
from auricle.signal.io import list_audio

LayoutName = Literal["folder", "musdb18hq", "medleydb", "fma", "librispeech", "vctk", "chime3"]

_SHOWN = 5
# Of its six microphones, the one that its authors take where they take one.
_CHIME3_CHANNEL = "CH5"
_CHIME3_PLACES = {"BUS": "bus", "CAF": "café", "PED": "pedestrian area", "STR": "street junction"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a data set keeps its recordings, and the terms its own pages state.

    `expected` describes the files in words; `find` takes the folder and what every recording's id
    begins with. Tracks may carry a licence and a credit of their own.
    """

    expected: str
    kind: Kind
    licence: str
    credit: str
    find: Callable[[Path, str], list[Track]]


def find_dataset(folder: Path, layout: LayoutName, prefix: str) -> list[Track]:
    """Find the tracks of a data set, in sorted order; `prefix` starts every recording's id.

    Raises `DataError`, saying what was expected and what is there, when there are none.

    >>> find_dataset(Path("examples"), "vctk", "vctk")
    Traceback (most recent call last):
    auricle.core.errors.DataError: examples is not laid out as vctk: expected wav48_silence_t...
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    tracks = LAYOUTS[layout].find(folder, prefix)
    if not tracks:
        expected = LAYOUTS[layout].expected
        raise DataError(
            f"{folder} is not laid out as {layout}: expected {expected}; found {_list(folder)}"
        )
    return tracks


def _list(folder: Path) -> str:
    names = sorted(f"{path.name}{'/' * path.is_dir()}" for path in folder.iterdir())
    more = f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    return ", ".join(names[:_SHOWN]) + more or "nothing"


def _find_files(folder: Path, prefix: str) -> list[Track]:
    tracks: dict[str, Track] = {}
    for path in map(Path, list_audio(folder)):
        plain = slugify(path.relative_to(folder).with_suffix("").as_posix())
        name, count = plain, 1
        while f"{prefix}/{name}" in tracks:
            count += 1
            name = f"{plain}-{count}"
        recording = f"{prefix}/{name}"
        tracks[recording] = Track(recording, path.stem, (path,), "audio")
    return list(tracks.values())


def _find_musdb(folder: Path, prefix: str) -> list[Track]:
    halves = [folder / name for name in ("train", "test") if (folder / name).is_dir()]
    mixtures = [path for half in halves or [folder] for path in half.glob("*/mixture.wav")]
    tracks = []
    for path in sorted(mixtures):
        artist, _, title = path.parent.name.partition(" - ")
        tracks.append(
            Track(
                f"{prefix}/{slugify(path.parent.name)}", title or artist, (path,), "audio",
                credit=f"{artist}, in MUSDB18-HQ (Rafii et al., 2019)",
            )
        )  # fmt: skip
    return tracks


def _find_medleydb(folder: Path, prefix: str) -> list[Track]:
    root = folder / "Audio" if (folder / "Audio").is_dir() else folder
    tracks = []
    for path in sorted(root.glob("*/*_MIX.wav")):
        name = path.name.removesuffix("_MIX.wav")
        artist, _, title = name.partition("_")
        tracks.append(
            Track(
                f"{prefix}/{slugify(name)}", title or artist, (path,), "audio",
                credit=f"{artist}, in MedleyDB (Bittner et al., 2014)",
            )
        )  # fmt: skip
    return tracks


def _find_fma(folder: Path, prefix: str) -> list[Track]:
    numbered = "[0-9][0-9][0-9]/[0-9][0-9][0-9][0-9][0-9][0-9].mp3"
    found = {
        path.stem: path for pattern in ("fma_*/", "") for path in folder.glob(pattern + numbered)
    }
    places = (folder / "fma_metadata", folder.parent / "fma_metadata", folder)
    tables = [place / "tracks.csv" for place in places if (place / "tracks.csv").is_file()]
    known = _read_fma_table(tables[0]) if tables else {}
    tracks = []
    for number, path in sorted(found.items()):
        row = known.get(int(number), _FmaRow(title=number, artist="", licence=""))
        credit = f"{row.artist}, in FMA (Defferrard et al., 2017)" if row.artist else ""
        tracks.append(Track(f"{prefix}/{number}", row.title, (path,), "audio", row.licence, credit))
    return tracks


@dataclass(frozen=True, slots=True)
class _FmaRow:
    title: str
    artist: str
    licence: str


def _read_fma_table(path: Path) -> dict[int, _FmaRow]:
    # Two header rows (table, column), a row that names the index, then a row per track.
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        try:
            header = list(zip(next(reader), next(reader), strict=True))
            wanted = [("track", "title"), ("artist", "name"), ("track", "license")]
            columns = [header.index(name) for name in wanted]
            return {
                int(row[0]): _FmaRow(*(row[column].strip() for column in columns))
                for row in reader
                if row and row[0].isdigit()
            }
        except (StopIteration, ValueError, IndexError, csv.Error) as error:
            raise DataError(f"{path} is not the table of tracks of FMA: {error}") from error


def _find_librispeech(folder: Path, prefix: str) -> list[Track]:
    speakers: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.flac")):
        named = re.fullmatch(r"(\d+)-(\d+)-\d+", path.stem)
        if named and named.groups() == (path.parent.parent.name, path.parent.name):
            speakers.setdefault(named[1], []).append(path)
    return _join_speakers(speakers, prefix, "LibriSpeech (Panayotov et al., 2015)")


def _find_vctk(folder: Path, prefix: str) -> list[Track]:
    root = folder / "wav48_silence_trimmed"
    speakers: dict[str, list[Path]] = {}
    for path in sorted((root if root.is_dir() else folder).glob("*/*_mic1.flac")):
        if path.name.startswith(f"{path.parent.name}_"):
            speakers.setdefault(path.parent.name, []).append(path)
    return _join_speakers(speakers, prefix, "VCTK 0.92 (Yamagishi et al., 2019)")


def _find_chime3(folder: Path, prefix: str) -> list[Track]:
    sessions: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.rglob("*.CH?.wav")):
        # Speech lies beside it, named alike.
        if path.resolve().parent.name == "backgrounds":
            session, channel = path.stem.rsplit(".", 1)
            sessions.setdefault(session, {})[channel] = path
    tracks = []
    for session, channels in sorted(sessions.items()):
        path = channels.get(_CHIME3_CHANNEL) or next(iter(channels.values()))
        place = _CHIME3_PLACES.get(session[-3:], session[-3:])
        tracks.append(Track(f"{prefix}/{slugify(session)}", place, (path,), "audio"))
    return tracks


def _join_speakers(
    speakers: Mapping[str, Iterable[Path]], prefix: str, collection: str
) -> list[Track]:
    return [
        Track(
            f"{prefix}/{slugify(speaker)}", f"speaker {speaker}", tuple(files), "joined",
            credit=f"speaker {speaker}, in {collection}",
        )
        for speaker, files in sorted(speakers.items())
    ]  # fmt: skip


LAYOUTS: Mapping[LayoutName, Layout] = {
    "folder": Layout(
        "audio files, in subfolders or not",
        "recorded", "unknown", "unknown", _find_files,
    ),
    "musdb18hq": Layout(
        "train/ and test/ with a folder per song that holds mixture.wav",
        "recorded", "educational purposes only, not commercial ones",
        "MUSDB18-HQ (Rafii et al., 2019)", _find_musdb,
    ),
    "medleydb": Layout(
        "Audio/NAME/NAME_MIX.wav for each song",
        "recorded", "CC-BY-NC-SA-4.0", "MedleyDB (Bittner et al., 2014)", _find_medleydb,
    ),
    "fma": Layout(
        "fma_large/NNN/NNNNNN.mp3 (or fma_full, fma_medium, fma_small)",
        "recorded", "each track its own: see tracks.csv in fma_metadata",
        "FMA (Defferrard et al., 2017)", _find_fma,
    ),
    "librispeech": Layout(
        "SPLIT/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac, such as dev-clean/84/121123/"
        "84-121123-0000.flac",
        "speech", "CC-BY-4.0", "LibriSpeech (Panayotov et al., 2015)", _find_librispeech,
    ),
    "vctk": Layout(
        "wav48_silence_trimmed/SPEAKER/SPEAKER_NUMBER_mic1.flac, as in VCTK 0.92",
        "speech", "CC-BY-4.0", "VCTK 0.92 (Yamagishi et al., 2019)", _find_vctk,
    ),
    "chime3": Layout(
        "data/audio/16kHz/backgrounds/SESSION.CHn.wav, such as BGD_150203_010_CAF.CH5.wav",
        "effects", "LDC user agreement (LDC2017S24)", "CHiME-3 (Barker et al., 2015)",
        _find_chime3,
    ),
}  # fmt: skip
