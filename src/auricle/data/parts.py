"""Single sources: the parts of scores one by one, and voices of speech synthesisers.

The outcome is a corpus as `auricle.data.corpora` builds it, with one instrument or voice per
excerpt. Parts of one score share their `recording`; those cut at one place share their `start`
too, so that they can be put together again.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.errors import DataError, InputError
from auricle.data.corpora import SKIPPED
from auricle.data.corpus_recipe import CorpusSource
from auricle.data.excerpts import estimate_bandwidth, repeat_to
from auricle.data.mix_recipe import PartsRecipe
from auricle.data.packages import fetch_package
from auricle.data.recordings import TABLE, Kind, Recording, write_recordings, write_rows
from auricle.data.scores import find_parts, solo
from auricle.data.tracks import Track, find_tracks, render_midi, slugify
from auricle.data.voices import Speakers, Utterance, speak
from auricle.data.workers import run_tasks
from auricle.signal.io import write_audio

Progress = Callable[[int, int, str], None]

SAMPLE_RATE = 48000
_FRAME = 0.25
_BELOW_LOUD = 10.0 ** (-30.0 / 10.0)
_FADE = 0.01


@dataclass(frozen=True, slots=True)
class _Score:
    """A score to be rendered part by part."""

    track: Track
    source: CorpusSource
    recipe: PartsRecipe
    soundfonts: tuple[Path, ...]
    output: Path

    @property
    def recording(self) -> str:
        return self.track.recording

    def facts(self) -> list[object]:
        """What besides the recipe's limits its excerpts depend on."""
        digest = hashlib.sha256(self.track.files[0].read_bytes()).hexdigest()
        return [digest, self.source.licence, self.source.credit, self.recipe.soundfonts]


@dataclass(frozen=True, slots=True)
class _Voice:
    """A voice to read a text aloud."""

    speakers: Speakers
    voice: str
    text: str
    recipe: PartsRecipe
    output: Path

    @property
    def recording(self) -> str:
        return f"{self.speakers.engine}/{slugify(self.voice)}"

    def facts(self) -> list[object]:
        """What besides the recipe's limits its excerpt depends on."""
        return [self.voice, self.text, self.speakers.licence, self.speakers.credit]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the table says of an excerpt besides its measures."""

    recording: str
    source: str
    kind: Kind
    licence: str
    credit: str
    title: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    recording: str
    rows: tuple[Recording, ...]
    skipped: str = ""


def build_parts(
    recipe: PartsRecipe,
    output: Path,
    *,
    cache: Path,
    jobs: int = 2,
    progress: Progress | None = None,
) -> list[Recording]:
    """Render every part and voice of a recipe into `output` and return the table, written last.

    Packages are kept in `cache`; `progress` is told (done, total, what happened). What an
    interrupted build finished stays as it is. Scores without a part that sounds are listed with the
    reason in `skipped.csv`.

    Raises `ConfigError` when FluidSynth or a synthesiser is missing, and `DataError` when a
    package can't be had or a pattern matches nothing.
    """
    report = progress or (lambda done, total, text: None)
    work: list[_Score | _Voice] = [*_plan_scores(recipe, output, cache)]
    work += _plan_voices(recipe, output)
    outcomes = []
    for number, outcome in enumerate(run_tasks(_process, work, jobs), start=1):
        outcomes.append(outcome)
        state = f"skipped: {outcome.skipped}" if outcome.skipped else f"{len(outcome.rows)} cut"
        report(number, len(work), f"{outcome.recording}: {state}")
    rows = sorted((row for outcome in outcomes for row in outcome.rows), key=lambda row: row.id)
    skipped = sorted((out.recording, out.skipped) for out in outcomes if out.skipped)
    write_rows(output / SKIPPED, ("recording", "reason"), skipped)
    write_recordings(rows, output / TABLE)
    return rows


def measure_activity(samples: Samples, sample_rate: int) -> float:
    """Return the share of time, 0..1, in which mono `[1, time]` is heard.

    Time goes by frames of 0.25 s; a frame is heard when its power is within 30 dB of what only
    5 % of the frames exceed. Silence, and what is shorter than a frame, has none.

    >>> tone = np.sin(np.arange(8000, dtype=np.float32))[np.newaxis]
    >>> tone[:, 4000:] = 0.0
    >>> measure_activity(tone, 1000)
    0.5
    """
    power = _frame_power(samples, sample_rate)
    loud = float(np.quantile(power, 0.95)) if power.size else 0.0
    return float(np.mean(power >= _BELOW_LOUD * loud)) if loud > 0.0 else 0.0


def _frame_power(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    length = round(_FRAME * sample_rate)
    count = samples.shape[1] // length
    frames = samples[0, : count * length].reshape(count, length).astype(np.float64)
    power: NDArray[np.float64] = np.mean(np.square(frames), axis=1)
    return power


def _plan_scores(recipe: PartsRecipe, output: Path, cache: Path) -> Iterator[_Score]:
    fonts = recipe.soundfonts if recipe.scores else ()
    soundfonts = tuple(
        fetch_package(font.package, font.version, cache) / font.path for font in fonts
    )
    for source in recipe.scores:
        folder = fetch_package(source.package, source.version, cache)
        for track in find_tracks(folder, source.package, "midi", source.include, source.exclude):
            yield _Score(track, source, recipe, soundfonts, output)


def _plan_voices(recipe: PartsRecipe, output: Path) -> Iterator[_Voice]:
    for speakers in recipe.speakers:
        for number, voice in enumerate(speakers.voices):
            text = speakers.texts[number % len(speakers.texts)]
            yield _Voice(speakers, voice, text, recipe, output)


def _process(work: _Score | _Voice) -> _Outcome:
    name = work.recording
    note = work.output / ".parts" / f"{name}.json"
    limits = work.recipe.model_dump_json(exclude={"scores", "speakers", "soundfonts"})
    settings = f"{limits} {work.facts()}"
    if (known := _read_note(note, settings, work.output)) is not None:
        return known
    try:
        rows = tuple(_render_score(work) if isinstance(work, _Score) else _speak(work))
        outcome = _Outcome(name, rows, "" if rows else "no part of it sounds for long enough")
    except (DataError, InputError) as error:
        # Neither damage nor a tool out of time is kept: the next build tries again.
        return _Outcome(name, (), str(error))
    note.parent.mkdir(parents=True, exist_ok=True)
    part = note.with_suffix(".part")
    part.write_text(json.dumps({"settings": settings, **asdict(outcome)}), encoding="utf-8")
    part.replace(note)
    return outcome


def _read_note(note: Path, settings: str, output: Path) -> _Outcome | None:
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
    rows = tuple(Recording(**row) for row in known["rows"])
    if known["settings"] != settings or not all((output / row.path).is_file() for row in rows):
        return None
    return _Outcome(known["recording"], rows, known["skipped"])


def _render_score(work: _Score) -> Iterator[Recording]:
    parts = _render_parts(work)
    for number, start in enumerate(_choose_windows(list(parts.values()), work.recipe), start=1):
        length = round(work.recipe.seconds * SAMPLE_RATE)
        for channel, samples in parts.items():
            piece = samples[:, start : start + length]
            if measure_activity(piece, SAMPLE_RATE) >= work.recipe.activity:
                name = f"{work.track.recording}/part{channel + 1:02d}-{number}"
                title = f"{work.track.title}, channel {channel + 1}"
                facts = _Facts(
                    work.track.recording, work.source.package, "rendered", work.source.licence,
                    work.source.credit, title,
                )  # fmt: skip
                yield _write(work.output, name, piece, facts, start / SAMPLE_RATE)


def _render_parts(work: _Score) -> dict[int, Samples]:
    """Render each part, mono `[1, time]`, by its channel."""
    data = work.track.files[0].read_bytes()
    parts = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.mid"
        for channel in find_parts(data, work.recipe.notes):
            path.write_bytes(solo(data, channel))
            # The score's own name: all its parts get the same soundfont and room.
            part = Track(work.track.recording, work.track.title, (path,), "midi")
            parts[channel] = render_midi(part, SAMPLE_RATE, work.soundfonts).mono().samples
    return parts


def _choose_windows(parts: Sequence[Samples], recipe: PartsRecipe) -> list[int]:
    """Return where excerpts start, in samples: apart, and where most parts sound."""
    length = round(recipe.seconds * SAMPLE_RATE)
    longest = max((part.shape[1] for part in parts), default=0)
    starts = range(0, longest - length + 1, length // 2)
    sounding = {
        start: sum(
            measure_activity(part[:, start : start + length], SAMPLE_RATE) >= recipe.activity
            for part in parts
            if part.shape[1] >= start + length
        )
        for start in starts
    }
    chosen: list[int] = []
    for start in sorted(starts, key=lambda place: (-sounding[place], place)):
        apart = all(abs(start - other) >= length for other in chosen)
        if apart and sounding[start] > 0 and len(chosen) < recipe.windows:
            chosen.append(start)
    return sorted(chosen)


def _speak(work: _Voice) -> Iterator[Recording]:
    utterance = Utterance(work.speakers.engine, work.voice, work.text)
    spoken = speak(utterance, sample_rate=SAMPLE_RATE).samples
    piece = repeat_to(spoken, round(work.recipe.seconds * SAMPLE_RATE))
    if measure_activity(piece, SAMPLE_RATE) >= work.recipe.activity:
        facts = _Facts(
            work.recording, work.speakers.engine, "speech", work.speakers.licence,
            work.speakers.credit, work.voice,
        )  # fmt: skip
        yield _write(work.output, f"{work.recording}-1", piece, facts, 0.0)


def _write(output: Path, identity: str, piece: Samples, facts: _Facts, start: float) -> Recording:
    fade = round(_FADE * SAMPLE_RATE)
    piece = piece / np.float32(max(1.0, float(np.abs(piece).max())))
    # Cut out of a part that goes on: without a fade its ends click.
    piece[:, :fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    piece[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    write_audio(output / f"{identity}.flac", Audio.from_array(piece, SAMPLE_RATE))
    return Recording(
        id=identity, recording=facts.recording, path=f"{identity}.flac", source=facts.source,
        kind=facts.kind, licence=facts.licence, credit=facts.credit, title=facts.title,
        sample_rate=SAMPLE_RATE, channels=1, start=round(start, 3),
        duration=round(piece.shape[1] / SAMPLE_RATE, 3),
        bandwidth_hz=round(estimate_bandwidth(piece, SAMPLE_RATE)),
    )  # fmt: skip
