import hashlib
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError
from auricle.data.clip_recipe import ClipRecipe, plan_clips, read_clip_recipe
from auricle.data.generate import (
    build_clips,
    inspect_manifest,
    regenerate,
)
from auricle.data.manifest import read_manifest
from auricle.data.recordings import read_corpus
from auricle.reference.visqol import Visqol
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import integrated_loudness

RECIPE = ClipRecipe(
    seed=3,
    seconds=2.0,
    single=1,
    cascades=1,
    split={"train": 0.5, "validation": 0.2, "calibration": 0.1, "test": 0.2},
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for seed in range(3):
        write_audio(folder / f"song{seed}.flac", Audio.from_array(make_music(2.5, seed), RATE))
    write_audio(folder / "silence.flac", Audio.from_array(np.zeros(RATE * 2), RATE))
    return folder


@pytest.fixture(scope="module")
def built(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("built")
    build_clips(RECIPE, corpus, output)
    return output


def test_every_clip_has_a_label_or_a_reason(built: Path) -> None:
    clips = read_manifest(built / "manifest.csv")
    assert len(clips) == 4 * 3
    for clip in clips:
        assert (clip.label is None) == bool(clip.error) == clip.reference.startswith("silence")
    clean = [clip.label for clip in clips if clip.process == "" and clip.label is not None]
    assert clean == pytest.approx([4.732] * 3, abs=0.01)


def test_clips_are_equally_loud_and_hashed(built: Path) -> None:
    for clip in read_manifest(built / "manifest.csv"):
        if clip.error:
            continue
        audio = read_audio(built / clip.path)
        assert (audio.sample_rate, audio.duration, audio.channels) == (RATE, 2.0, 1)
        assert integrated_loudness(audio) == pytest.approx(-23.0, abs=0.1)
        pcm = np.round(audio.samples * 32768).astype("<i2")
        assert hashlib.sha256(pcm.tobytes()).hexdigest() == clip.pcm_sha256


def test_a_row_is_enough_to_make_clip_and_label_again(built: Path, corpus: Path) -> None:
    clips = read_manifest(built / "manifest.csv")
    clip = next(c for c in clips if "+" in c.process and not c.error)
    reference, degraded = regenerate(clip, RECIPE, corpus)
    assert np.array_equal(degraded.samples, read_audio(built / clip.path).samples)
    assert Visqol(reference)(degraded) == pytest.approx(clip.label, abs=1e-6)


def test_workers_and_interruptions_do_not_show(built: Path, corpus: Path, tmp_path: Path) -> None:
    journal = (built / "journal.jsonl").read_text(encoding="utf-8")
    # As a kill leaves it: two clips done, the third cut off in the middle of its line.
    (tmp_path / "journal.jsonl").write_text(journal[: len(journal) // 5], encoding="utf-8")
    build_clips(RECIPE, corpus, tmp_path, jobs=2)
    assert (tmp_path / "manifest.csv").read_bytes() == (built / "manifest.csv").read_bytes()


def test_finished_clips_are_not_made_again(built: Path, corpus: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in (built / "clips").iterdir()}
    build_clips(RECIPE, corpus, built)
    assert {path: path.stat().st_mtime_ns for path in (built / "clips").iterdir()} == times


def test_other_recordings_change_nothing(corpus: Path) -> None:
    recordings = read_corpus(corpus)
    assert plan_clips(RECIPE, recordings)[3:6] == plan_clips(RECIPE, recordings[1:2])


def test_clips_of_one_recording_share_a_split(corpus: Path) -> None:
    recordings = read_corpus(corpus)
    splits: dict[str, set[str]] = {}
    for clip in plan_clips(RECIPE, recordings):
        splits.setdefault(clip.recording, set()).add(clip.split)
    assert all(len(found) == 1 for found in splits.values())


def test_the_summary_counts(built: Path) -> None:
    summary = inspect_manifest(built / "manifest.csv")
    assert (summary["clips"], summary["labelled"]) == (12, 9)
    assert sum(bin_["clips"] for bin_ in summary["label_histogram"]) == 9
    assert sum(summary["failures"].values()) == 3


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="audio files"):
        build_clips(RECIPE, tmp_path, tmp_path / "out")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("split: {train: 0.5}\n")
    with pytest.raises(ConfigError, match="add up to 1"):
        read_clip_recipe(recipe)
    recipe.write_text("split: {train: 1.0}\ncascade: 3\n")
    with pytest.raises(ConfigError, match="cascade"):
        read_clip_recipe(recipe)
    with pytest.raises(ConfigError, match="codec-music"):
        read_clip_recipe("no-such-recipe")
