"""Voices: real synthesisers, where they are installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from auricle.core.errors import ConfigError, DataError
from auricle.data.corpora import build_corpus
from auricle.data.corpus_recipe import CorpusRecipe
from auricle.data.recordings import Recording
from auricle.data.voices import Engine, Utterance, speak
from auricle.signal.io import read_audio

TEXT = "The harvest began early this year."
VOICES: dict[Engine, str] = {"espeak-ng": "en-us+f3", "flite": "kal16"}

each_engine = pytest.mark.parametrize(
    "engine",
    [
        pytest.param(
            engine,
            marks=pytest.mark.skipif(shutil.which(engine) is None, reason=f"there is no {engine}"),
        )
        for engine in VOICES
    ],
)
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="there is no espeak-ng")


@each_engine
class TestSpeak:
    def test_says_the_same_again(self, engine: Engine) -> None:
        utterance = Utterance(engine, VOICES[engine], TEXT)
        spoken = speak(utterance)
        assert spoken.channels == 1
        assert 1.0 < spoken.duration < 5.0
        np.testing.assert_array_equal(speak(utterance).samples, spoken.samples)
        assert speak(utterance, sample_rate=48_000).sample_rate == 48_000

    def test_says_the_same_in_a_home_that_was_never_used(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        utterance = Utterance(engine, VOICES[engine], TEXT)
        before = speak(utterance).samples
        monkeypatch.setenv("HOME", str(tmp_path))
        np.testing.assert_array_equal(speak(utterance).samples, before)
        assert not list(tmp_path.iterdir())

    def test_rate_and_pitch_change_it(self, engine: Engine) -> None:
        plain = speak(Utterance(engine, VOICES[engine], TEXT))
        fast = speak(Utterance(engine, VOICES[engine], TEXT, rate=1.4))
        high = speak(Utterance(engine, VOICES[engine], TEXT, pitch=1.4))
        assert fast.duration < 0.9 * plain.duration
        assert not np.array_equal(high.samples, plain.samples)


@needs_espeak
def test_a_voice_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DataError, match="espeak-ng failed"):
        speak(Utterance("espeak-ng", "nobody", TEXT))


def test_a_missing_synthesiser_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="apt-get install espeak-ng"):
        speak(Utterance("espeak-ng", "en", TEXT))


def build(folder: Path, **voices: object) -> list[Recording]:
    source = {"engine": "espeak-ng", "licence": "CC0-1.0", "credit": "nobody"} | voices
    recipe = CorpusRecipe.model_validate({
        "name": "tiny",
        "excerpt": {"seconds": 2.0, "positions": [0.0, 0.5], "min_seconds": 1.0},
        "voices": [source],
    })  # fmt: skip
    return build_corpus(recipe, folder, jobs=1)


@needs_espeak
def test_each_voice_of_a_corpus_is_a_recording(tmp_path: Path) -> None:
    texts = [TEXT, "Nobody could explain the yellow kite.", "A narrow staircase winds up."]
    rows = build(tmp_path, voices=["en", "en+f2"], texts=texts, sentences=2)
    assert {row.recording for row in rows} == {"espeak-ng/en", "espeak-ng/en-f2"}
    assert {(row.kind, row.source, row.sample_rate) for row in rows} == {
        ("speech", "espeak-ng", 22_050)
    }
    assert all(row.kbps is None and row.bandwidth_hz < 12_000 for row in rows if row.bandwidth_hz)
    first, second = (read_audio(tmp_path / f"espeak-ng/{name}-1.flac") for name in ("en", "en-f2"))
    assert first.sample_rate == 48_000
    assert not np.array_equal(first.samples, second.samples)


@needs_espeak
def test_other_sentences_are_spoken_anew(tmp_path: Path) -> None:
    first = build(tmp_path, voices=["en"], texts=[TEXT, TEXT])
    before = (tmp_path / first[0].path).read_bytes()
    assert build(tmp_path, voices=["en"], texts=[TEXT, TEXT]) == first
    assert (tmp_path / first[0].path).read_bytes() == before
    build(tmp_path, voices=["en"], texts=["Rain drummed on the tin roof while the goats slept."])
    assert (tmp_path / first[0].path).read_bytes() != before
