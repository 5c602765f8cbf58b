"""Benchmarks of just-noticeable differences: thresholds of labels, and what an embedding hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

pytest.importorskip("torch")

import jnd_embedding
import jnd_thresholds
from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.pair_plan import PairClip
from auricle.data.pairs import read_pairs, write_pairs
from auricle.degrade.mixing import mix_at
from auricle.signal.io import write_audio

LABELS = Path(jnd_thresholds.__file__).parent / "labels" / "open-pairs.csv"


def make_clip(rung: int, process: str, label: float, **facts: object) -> PairClip:
    told: dict[str, object] = {
        "id": f"e-{rung}", "excerpt": "e", "recording": "r", "split": "test", "domain": "speech",
        "path": f"clips/e-{rung}.flac", "reference": "clips/e-0.flac", "source": "s.flac",
        "start": 0.0, "process": process, "ladder": process.partition(":")[0], "rung": rung,
        "labels": {"visqol": label},
    }  # fmt: skip
    return PairClip(**(told | facts))


def test_slopes_are_falls_per_octave_and_per_db() -> None:
    codec = [make_clip(1, "opus:64k", 4.5), make_clip(2, "opus:16k", 3.5)]
    noise = [make_clip(1, "noise:40", 4.5, excerpt="n"), make_clip(2, "noise:20", 2.5, excerpt="n")]
    music = [make_clip(1, "mp3:64k", 4.5, domain="music"), make_clip(2, "mp3:32k", 1.0)]
    assert jnd_thresholds.measure_slopes([*codec, *noise, *music[:1]]) == {
        "opus": (pytest.approx(0.5), 1),
        "noise": (pytest.approx(0.1), 1),
    }


def test_the_recipe_s_factors_are_those_of_the_published_labels() -> None:
    slopes = jnd_thresholds.measure_slopes(read_pairs(LABELS))
    fall = 3.0 * np.mean([slopes[kind][0] for kind in jnd_thresholds.NOISES])
    assert fall == pytest.approx(0.092, abs=5e-4)
    for kind, factor in (("opus", 1.26), ("mp3", 1.14), ("aac", 1.10), ("clip", 1.19)):
        assert 2 ** (fall / slopes[kind][0]) == pytest.approx(factor, abs=6e-3)


def test_an_ear_for_noise_has_perfect_figures_and_a_deaf_one_none() -> None:
    speech = Audio.from_array(make_music(0.5, 1), RATE)
    noise = Audio.from_array(np.random.default_rng(0).normal(0.0, 0.1, RATE // 2), RATE)

    def mix(ratio: float) -> Audio:
        return mix_at(speech, noise, ratio)

    def measure(audio: Audio) -> np.ndarray:
        ratio = 10 * np.log10(np.mean((audio.samples - speech.samples) ** 2))
        return np.array([np.cos(ratio / 100.0), np.sin(ratio / 100.0)])

    rng = np.random.default_rng(0)
    heard = jnd_embedding.hear(mix, measure, 4, rng)
    assert heard.from_clean == pytest.approx(1.0)
    assert heard.from_noisy == pytest.approx(1.0)
    assert heard.triplets == (True,) * 4
    draws = np.random.default_rng(1)
    deaf = jnd_embedding.hear(mix, lambda _: draws.normal(size=8), 40, rng)
    assert abs(deaf.from_clean) < 0.9
    assert not all(deaf.triplets)


def test_utterances_are_those_of_the_test_split_with_a_noise(tmp_path: Path) -> None:
    (tmp_path / "noises").mkdir()
    for path in (tmp_path / "clean.flac", tmp_path / "noises" / "n.flac"):
        write_audio(path, Audio.from_array(make_music(1.0, 1), RATE))
    facts = {"reference": "clean.flac", "noise": "n.flac", "noise_start": 0.25}
    clips = [
        make_clip(1, "snr:10", 1.0, **facts),
        make_clip(2, "snr:5", 1.0, **facts),
        make_clip(1, "opus:16k", 1.0, excerpt="f", id="f-1"),
        make_clip(1, "snr:5", 1.0, excerpt="g", id="g-1", split="train", **facts),
    ]
    write_pairs(clips, tmp_path / "pairs.csv")
    (found,) = jnd_embedding.find_utterances(tmp_path, [tmp_path / "noises"])
    assert (found.excerpt, found.clean, found.noise_start) == ("e", tmp_path / "clean.flac", 0.25)
    assert found.mix(10.0).frames == RATE
    with pytest.raises(DataError, match="--corpus"):
        list(jnd_embedding.find_utterances(tmp_path, [tmp_path]))
