"""Ratings of corpora made for training: NISQA, VoiceMOS (BVCC), Audiobox Aesthetics."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from auricle.core.errors import DataError
from auricle.core.ratings import MeanRating, Rating, RatingTable
from auricle.core.spec import Scale
from auricle.data import aes, nisqa
from auricle.data.rating_columns import ACR, RatingOptions
from auricle.data.rating_rows import has_columns, to_number

_NISQA: Final = ("db", "con", "filename_ref", "filepath_deg", *nisqa.AXES)
_AES: Final = (*aes.NATURAL, aes.PAM, aes.CHALLENGE_TEST)
# Single votes, and their means where those are not there.
_VOICEMOS: Final[Mapping[str, str]] = {
    "TRAINSET": "train_mos_list.txt",
    "DEVSET": "val_mos_list.txt",
    "TESTSET": "test_mos_list.txt",
}


def find_nisqa(path: Path) -> list[Path]:
    """Find the table of all sets, or those of each set."""
    if path.is_file():
        return [path] if has_columns(path, _NISQA) else []
    return nisqa.find_nisqa(path)


def read_nisqa(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read the means of the NISQA Corpus, with deviations and numbers of votes where it has them.

    The test is the set, the system the condition, the item the clean speech. Who voted is not among
    the tables.
    """
    means = [one for path in paths for one in _read_nisqa_table(path, options)]
    return RatingTable(means=tuple(means))


def _read_nisqa_table(path: Path, options: RatingOptions) -> Iterator[MeanRating]:
    # Paths start from the corpus: its own table lies there, those of the sets one folder below.
    corpus = path.parent if path.name == nisqa.TABLE else path.parent.parent
    for row, place in nisqa.read_rows(path):
        clip = nisqa.read_clip(row, place)
        test, _, system = clip.system.partition("/")
        reference = row.get("filepath_ref") or ""
        for column, axis in nisqa.AXES.items():
            if axis in clip.scores:
                votes = to_number(row.get("votes") or "", f"{place}, column votes")
                deviation = row.get(f"{column}_std") or ""
                yield MeanRating(
                    test=test,
                    attribute=axis,
                    item=clip.recording.partition("/")[2] or clip.path,
                    system=system,
                    mean=clip.mean(axis),
                    deviation=to_number(deviation, f"{place}, column {column}_std"),
                    listeners=0 if votes != votes else round(votes),  # noqa: PLR0124
                    scale=options.scale or ACR,
                    stimulus=str(corpus / clip.path),
                    reference=str(corpus / reference.replace("\\", "/")) if reference else "",
                    place=f"{place}, column {column}",
                )


def find_voicemos(path: Path) -> list[Path]:
    """Find DATA/sets of the VoiceMOS Challenge: single votes, else means, of each of its parts."""
    if path.is_file():
        return [path] if path.name in (*_VOICEMOS, *_VOICEMOS.values()) else []
    for folder in (path, path / "sets", path / "DATA/sets"):
        parts = (
            folder / votes if (folder / votes).is_file() else folder / means
            for votes, means in _VOICEMOS.items()
        )
        if found := [part for part in parts if part.is_file()]:
            return found
    return []


def read_voicemos(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read the lists of the VoiceMOS Challenge 2022, as its README describes them.

    TRAINSET, DEVSET and TESTSET hold sysID,uttID,rating,ignore,listenerinfo, where the last is
    {}_AGERANGE_LISTENERID_GENDER_ignore_ignore_HEARINGIMPAIRMENT; *_mos_list.txt hold uttID,mean.
    """
    ratings: list[Rating] = []
    means: list[MeanRating] = []
    for path in paths:
        if path.suffix == ".txt":
            means += _read_voicemos_means(path, options)
        else:
            ratings += _read_voicemos_votes(path, options)
    return RatingTable(tuple(ratings), tuple(means))


def _read_voicemos_votes(path: Path, options: RatingOptions) -> Iterator[Rating]:
    for (system, file, score, _, info), place in _read_lines(path, 5):
        parts = info.split("_")
        if len(parts) < 7:
            raise DataError(
                f"{place}, column 5: {info!r} is not {{}}_AGERANGE_LISTENERID_GENDER_..., as the"
                " listener is told in this list"
            )
        yield Rating(
            test="voicemos",
            attribute="quality",
            item=file.removesuffix(".wav"),
            system=system,
            listener="_".join(parts[2:-4]),
            score=to_number(score, f"{place}, column 3"),
            scale=options.scale or ACR,
            stimulus=_find_wave(path, file),
            place=f"{place}, column 3",
        )


def _read_voicemos_means(path: Path, options: RatingOptions) -> Iterator[MeanRating]:
    for (file, mean), place in _read_lines(path, 2):
        item = file.removesuffix(".wav")
        yield MeanRating(
            test="voicemos",
            attribute="quality",
            item=item,
            system=item.partition("-")[0],
            mean=to_number(mean, f"{place}, column 2"),
            scale=options.scale or ACR,
            stimulus=_find_wave(path, file),
            place=f"{place}, column 2",
        )


def _read_lines(path: Path, columns: int) -> Iterator[tuple[list[str], str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for cells in reader:
            place = f"{path}, line {reader.line_num}"
            if cells and len(cells) != columns:
                raise DataError(f"{place}: {len(cells)} cells, not {columns}")
            if cells:
                yield cells, place


def _find_wave(path: Path, file: str) -> str:
    """Lists lie in DATA/sets, audio in DATA/wav."""
    return str(path.parent.parent / "wav" / f"{file.removesuffix('.wav')}.wav")


def find_aes(path: Path) -> list[Path]:
    """Find the files of AES-natural and AES-PAM, and those of AudioMOS Challenge 2025, track 2."""
    if path.is_file():
        return [path] if path.name in _AES else []
    return [path / name for name in _AES if (path / name).is_file()]


def read_aes(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read the ten votes that each clip has on each of four axes.

    They come without listeners: the order of a row's votes carries nothing from clip to clip
    (`auricle.stats.reliability`). The challenge's lists of training and development name clips of
    AES-natural again, and are not read.
    """
    scale = options.scale or Scale(aes.LOW, aes.HIGH)
    return RatingTable(
        tuple(
            Rating(
                test=path.stem,
                attribute=axis,
                item=clip.id,
                system=clip.system,
                listener="",
                score=score,
                scale=scale,
                place=f"{place}, {axis}",
            )
            for path in paths
            for clip, place in aes.read_table(path, "test")
            for axis, scores in clip.scores.items()
            for score in scores
        )
    )
