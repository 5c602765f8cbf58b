"""Corpora of reference recordings: from open packages, from synthesisers, from data sets on disk.

A corpus is a folder of FLAC excerpts with a table `recordings.csv` that says of each where it
comes from, under which licence, and what it is. Excerpts of one track share their `recording`:
split by it, never by excerpt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError, DataError, InputError, SignalError
from auricle.data.corpus_recipe import CorpusRecipe, ReaderSource
from auricle.data.excerpts import (
    choose_positions,
    estimate_bandwidth,
    find_cliff,
    is_clipped,
    repeat_to,
)
from auricle.data.layouts import LAYOUTS, find_dataset
from auricle.data.packages import fetch_package
from auricle.data.recordings import TABLE, Kind, Recording, write_recordings, write_rows
from auricle.data.tracks import (
    DecodedTrack,
    Track,
    TrackFormat,
    decode_track,
    find_tracks,
    name_generator,
    slugify,
)
from auricle.data.voices import Utterance
from auricle.data.workers import run_tasks
from auricle.signal.io import write_audio

Progress = Callable[[int, int, str], None]

SKIPPED = "skipped.csv"


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a source says of all its tracks; `package` is a data set's name where there is none."""

    package: str
    version: str | None
    format: TrackFormat
    kind: Kind
    licence: str
    credit: str


@dataclass(frozen=True, slots=True)
class _Job:
    track: Track
    origin: _Origin
    recipe: CorpusRecipe
    soundfonts: tuple[Path, ...]
    output: Path

    @property
    def note(self) -> Path:
        """Where the outcome is kept, so that an interrupted build goes on."""
        return self.output / ".tracks" / f"{self.track.recording}.json"

    def fingerprint(self) -> str:
        """Hash of everything the outcome depends on."""
        fonts = self.recipe.soundfonts if self.track.format == "midi" else ()
        settings = [
            self.recipe.sample_rate,
            self.recipe.excerpt.model_dump(mode="json"),
            self.recipe.lossy.model_dump(mode="json"),
            [font.model_dump(mode="json") for font in fonts],
            asdict(self.origin),
            [(path.name, path.stat().st_size) for path in self.track.files],
            *(asdict(line) for line in self.track.lines),
        ]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Outcome:
    recording: str
    rows: tuple[Recording, ...]
    skipped: str = ""


def build_corpus(
    recipe: CorpusRecipe,
    output: Path,
    *,
    cache: Path | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> list[Recording]:
    """Build a corpus in `output` and return its table, which is written last.

    Packages are kept in `cache`; data sets on disk are only read. `jobs` processes are spawned (so
    a script that calls this needs the main guard), and `progress` is told (done, total, what
    happened). Excerpts that are there already stay as they are, so a build can be interrupted and
    a recipe extended. Tracks that don't qualify are listed with the reason in `skipped.csv`.

    Raises `ConfigError` when a tool or the cache is missing, or two sources share a name, and
    `DataError` when a package can't be had, a pattern matches nothing, or a data set is not laid
    out as it should be.
    """
    report = progress or (lambda done, total, text: None)
    work = [*_plan_packages(recipe, output, cache, report), *_plan_voices(recipe, output)]
    work += _plan_folders(recipe, output, report)
    _check_names(work)
    outcomes = []
    for number, outcome in enumerate(run_tasks(_process, work, jobs), start=1):
        outcomes.append(outcome)
        state = f"skipped: {outcome.skipped}" if outcome.skipped else f"{len(outcome.rows)} cut"
        report(number, len(work), f"{outcome.recording}: {state}")
    rows = sorted((row for out in outcomes for row in out.rows), key=lambda row: row.id)
    skipped = sorted((out.recording, out.skipped) for out in outcomes if out.skipped)
    write_rows(output / SKIPPED, ("recording", "reason"), skipped)
    write_recordings(rows, output / TABLE)
    return rows


def _plan_packages(
    recipe: CorpusRecipe, output: Path, cache: Path | None, report: Progress
) -> Iterator[_Job]:
    if not recipe.sources:
        return
    if cache is None:
        raise ConfigError(f"{recipe.name} takes packages: say in which folder to keep them (cache)")
    fonts = recipe.soundfonts if any(src.format == "midi" for src in recipe.sources) else ()
    soundfonts = tuple(
        fetch_package(font.package, font.version, cache) / font.path for font in fonts
    )
    for number, source in enumerate(recipe.sources):
        report(number, len(recipe.sources), f"fetching {source.package}")
        folder = fetch_package(source.package, source.version, cache)
        tracks = find_tracks(
            folder, source.package, source.format, source.include, source.exclude, source.recording
        )
        origin = _Origin(**source.model_dump(exclude={"include", "exclude", "recording"}))
        for track in tracks:
            yield _Job(track, origin, recipe, soundfonts, output)


def _plan_voices(recipe: CorpusRecipe, output: Path) -> Iterator[_Job]:
    for source in recipe.voices:
        origin = _Origin(source.engine, None, "joined", "speech", source.licence, source.credit)
        for voice in source.voices:
            recording = f"{source.engine}/{slugify(voice)}"
            lines = _draw_lines(source, voice, recording)
            track = Track(recording, voice, (), "joined", lines=lines)
            yield _Job(track, origin, recipe, (), output)


def _draw_lines(source: ReaderSource, voice: str, recording: str) -> tuple[Utterance, ...]:
    draw = name_generator(recording)
    order = draw.permutation(len(source.texts))[: source.sentences]
    return tuple(
        Utterance(
            source.engine, voice, source.texts[index],
            rate=round(float(draw.uniform(0.85, 1.15)), 3),
            pitch=round(float(draw.uniform(0.85, 1.15)), 3),
        )
        for index in order
    )  # fmt: skip


def _plan_folders(recipe: CorpusRecipe, output: Path, report: Progress) -> Iterator[_Job]:
    for number, source in enumerate(recipe.folders):
        report(number, len(recipe.folders), f"searching {source.folder}")
        layout = LAYOUTS[source.layout]
        for track in find_dataset(source.folder, source.layout, source.source):
            origin = _Origin(
                source.source, None, track.format, source.kind or layout.kind,
                source.licence or track.licence or layout.licence,
                source.credit or track.credit or layout.credit,
            )  # fmt: skip
            yield _Job(track, origin, recipe, (), output)


def _check_names(work: Sequence[_Job]) -> None:
    found: set[str] = set()
    for job in work:
        if job.track.recording in found:
            raise ConfigError(
                f"two sources hold a recording {job.track.recording}: leave one out, or give its"
                " data set another name"
            )
        found.add(job.track.recording)


def _process(job: _Job) -> _Outcome:
    fingerprint = job.fingerprint()
    if (known := _read_note(job, fingerprint)) is not None:
        return known
    try:
        outcome = _Outcome(job.track.recording, _cut(job))
    except InputError as error:
        outcome = _Outcome(job.track.recording, (), str(error))
    except DataError as error:
        # A tool failed or ran out of time: not the track's fault, so the next build tries again.
        return _Outcome(job.track.recording, (), str(error))
    kept = {job.output / row.path for row in outcome.rows}
    for digits in ("[0-9]", "[0-9][0-9]"):
        for path in job.output.glob(f"{job.track.recording}-{digits}.flac"):
            if path not in kept:
                path.unlink()
    job.note.parent.mkdir(parents=True, exist_ok=True)
    part = job.note.with_suffix(".part")
    part.write_text(json.dumps({"fingerprint": fingerprint, **asdict(outcome)}), encoding="utf-8")
    part.replace(job.note)
    return outcome


def _read_note(job: _Job, fingerprint: str) -> _Outcome | None:
    try:
        note = json.loads(job.note.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
    if note.get("fingerprint") != fingerprint:
        return None
    rows = tuple(Recording(**row) for row in note["rows"])
    if not all((job.output / row.path).is_file() for row in rows):
        return None
    return _Outcome(note["recording"], rows, note["skipped"])


def _cut(job: _Job) -> tuple[Recording, ...]:
    recipe, track = job.recipe, job.track
    decoded = decode_track(track, sample_rate=recipe.sample_rate, soundfonts=job.soundfonts)
    samples = decoded.audio.samples
    if track.format == "loop":
        samples = repeat_to(samples, round(recipe.excerpt.seconds * recipe.sample_rate))
    if samples.shape[1] < recipe.excerpt.min_seconds * recipe.sample_rate:
        raise SignalError(f"it lasts only {samples.shape[1] / recipe.sample_rate:.1f} s")
    starts = choose_positions(
        samples, recipe.sample_rate, seconds=recipe.excerpt.seconds,
        positions=recipe.excerpt.positions, silence_db=recipe.excerpt.silence_db,
    )  # fmt: skip
    length = round(recipe.excerpt.seconds * recipe.sample_rate)
    pieces = [samples[:, start : start + length] for start in starts]
    _check_coding(decoded, pieces, recipe)
    rows = []
    for number, (start, piece) in enumerate(zip(starts, pieces, strict=True), start=1):
        rows.append(_write_excerpt(job, decoded, number, start, piece))
    return tuple(rows)


def _check_coding(decoded: DecodedTrack, pieces: Sequence[Samples], recipe: CorpusRecipe) -> None:
    if decoded.kbps is None:
        return
    if decoded.kbps < recipe.lossy.min_kbps:
        raise SignalError(f"it is coded at only {decoded.kbps:.0f} kb/s")
    cliffs = [find_cliff(piece, recipe.sample_rate) for piece in pieces]
    lowest = min((cliff for cliff in cliffs if cliff is not None), default=np.inf)
    if lowest < recipe.lossy.min_cliff_hz:
        raise SignalError(f"lossy coding cut it off at {lowest:.0f} Hz")


def _write_excerpt(
    job: _Job, decoded: DecodedTrack, number: int, start: int, piece: Samples
) -> Recording:
    rate = job.recipe.sample_rate
    # Synthesised and summed audio is float: beyond full scale it is scaled down, not clipped.
    clipped = job.track.format in {"audio", "joined", "loop"} and is_clipped(piece)
    peak = float(np.abs(piece).max())
    if peak > 1.0:
        piece = piece / np.float32(peak)
    identity = f"{job.track.recording}-{number}"
    write_audio(job.output / f"{identity}.flac", Audio.from_array(piece, rate))
    return Recording(
        id=identity, recording=job.track.recording, path=f"{identity}.flac",
        source=job.origin.package, kind=job.origin.kind, licence=job.origin.licence,
        credit=job.origin.credit, title=job.track.title, sample_rate=decoded.native_rate,
        channels=piece.shape[0], start=round(start / rate, 3),
        duration=round(piece.shape[1] / rate, 3),
        kbps=None if decoded.kbps is None else round(decoded.kbps, 1),
        bandwidth_hz=round(estimate_bandwidth(piece, rate)), clipped=clipped,
    )  # fmt: skip
