import hashlib
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError, LabelError
from auricle.data.clip_recipe import ClipRecipe, DrawRecipe, plan_clips, read_clip_recipe
from auricle.data.generate import (
    build_clips,
    inspect_manifest,
    regenerate,
)
from auricle.data.manifest import read_manifest
from auricle.data.recordings import read_corpus
from auricle.reference.visqol import Judgement, Visqol
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import integrated_loudness

RECIPE = ClipRecipe(
    seed=3,
    seconds=2.0,
    single=1,
    cascades=1,
    split={"train": 0.5, "validation": 0.2, "calibration": 0.1, "test": 0.2},
)


DRAWN = ClipRecipe(
    seconds=2.0,
    excerpts=1,
    clean=False,
    single=6,
    cascades=14,
    split={"train": 2, "test": 1},
    draw=DrawRecipe(clips={"train": 16, "test": 8}, pilot=0.3),
)
LABELS = Path(__file__).parents[2] / "benchmarks" / "labels"


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


def test_defects_are_added_to_what_was_planned(corpus: Path) -> None:
    recordings = read_corpus(corpus)
    without = plan_clips(RECIPE, recordings)
    planned = plan_clips(RECIPE.model_copy(update={"defects": 2}), recordings)
    assert [clip for clip in planned if clip in without] == without
    added = [clip for clip in planned if clip not in without]
    assert len(added) == 2 * len(recordings)
    assert all({"noise", "clip", "resample"} & set(kinds(clip.process)) for clip in added)


def kinds(process: str) -> list[str]:
    return [part.partition(":")[0] for part in process.split("+")]


def test_clips_of_one_recording_share_a_split(corpus: Path) -> None:
    recordings = read_corpus(corpus)
    splits: dict[str, set[str]] = {}
    for clip in plan_clips(RECIPE, recordings):
        splits.setdefault(clip.recording, set()).add(clip.split)
    assert all(len(found) == 1 for found in splits.values())


@pytest.fixture(scope="module")
def drawn(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("drawn")
    build_clips(DRAWN, corpus, output, leave_out={"silence.flac"})
    return output


def test_a_draw_takes_so_many_clips_each_with_its_chance(drawn: Path) -> None:
    clips = read_manifest(drawn / "manifest.csv")
    assert Counter(clip.split for clip in clips) == {"train": 16, "test": 8}
    for clip in clips:
        assert clip.probability is not None
        assert 0.0 < clip.probability <= 1.0
        assert len(clip.similarity) == 2
        assert max(clip.similarity) <= 1.0


class Judge:
    """A judge who is quick, and at a loss for every so many clips."""

    loss = 3
    asked = 0

    def __init__(self, reference: Audio) -> None:
        self.reference = reference.samples

    def compare(self, degraded: Audio) -> Judgement:
        Judge.asked += 1
        if Judge.asked % Judge.loss == 0:
            raise LabelError("no number")
        error = float(np.mean((degraded.samples - self.reference) ** 2) / np.var(self.reference))
        return Judgement(1.0 + 3.7 / (1.0 + error), np.ones(2), np.zeros(2))


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> type[Judge]:
    monkeypatch.setattr(Judge, "loss", 3)
    monkeypatch.setattr(Judge, "asked", 0)
    monkeypatch.setattr("auricle.data.generate.Visqol", Judge)
    return Judge


def draw_from_all(count: int, pilot: float) -> ClipRecipe:
    """Of 32 clips, 8 of them silent."""
    facts = {"seconds": 2.0, "single": 2, "cascades": 2, "defects": 3, "split": {"train": 4}}
    return ClipRecipe.model_validate(facts | {"draw": {"clips": {"train": count}, "pilot": pilot}})


@pytest.mark.parametrize("pilot", [0.5, 1.0])
def test_a_draw_keeps_the_rows_of_what_failed(
    judge: type[Judge], corpus: Path, tmp_path: Path, pilot: float
) -> None:
    clips = build_clips(draw_from_all(8, pilot), corpus, tmp_path)
    assert clips == read_manifest(tmp_path / "manifest.csv")
    assert len([clip for clip in clips if clip.label is not None and clip.probability]) == 8
    failed = [clip for clip in clips if clip.label is None]
    assert len(failed) == len(clips) - 8
    assert Counter(clip.error.partition(":")[0] for clip in failed) == {
        "signal": 8,
        "label": judge.asked // 3,
    }
    assert all(clip.reference == "silence.flac" for clip in failed if "signal" in clip.error)


@pytest.mark.parametrize(("count", "loss", "message"), [
    (25, 99, r"has 24 clips, but 25 are needed \(8 failed, the first with 'signal: "),
    (20, 3, r"but 20 are needed \(\d+ failed.*: lower 'clips'"),
    (8, 1, r"has 0 clips, but 1 are needed"),
])  # fmt: skip
def test_too_few_clips_for_a_draw_are_an_error(
    judge: type[Judge], corpus: Path, tmp_path: Path, count: int, loss: int, message: str
) -> None:
    judge.loss = loss
    with pytest.raises(DataError, match=message):
        build_clips(draw_from_all(count, 0.5), corpus, tmp_path)


def test_labelled_clips_are_made_again_without_an_engine(
    drawn: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = read_manifest(drawn / "manifest.csv")
    wrong = [replace(table[0], pcm_sha256="0" * 64), *table[1:]]
    monkeypatch.setattr("auricle.data.generate.Visqol", None)
    monkeypatch.setattr("auricle.data.generate.engine_name", None)
    made = build_clips(DRAWN, corpus, tmp_path, labelled=wrong)
    assert made[1:] == table[1:]
    assert "other samples" in made[0].error
    audio = [read_audio(folder / table[1].path).samples for folder in (drawn, tmp_path)]
    np.testing.assert_array_equal(*audio)


def test_labelled_clips_can_be_left_out(drawn: Path, corpus: Path, tmp_path: Path) -> None:
    table = read_manifest(drawn / "manifest.csv")
    test = {clip.recording for clip in table if clip.split == "test"}
    chosen = [table[0], table[-1], *(clip for clip in table if clip.split == "test")][:4]
    made = build_clips(DRAWN, corpus, tmp_path / "a", labelled=chosen, leave_out=test)
    assert made == [clip for clip in chosen if clip.split == "train"]
    unlabelled = [replace(clip, label=None) for clip in table]
    for clips, names in ((unlabelled, ()), (chosen, {clip.recording for clip in chosen})):
        with pytest.raises(DataError, match="no clip has a label"):
            build_clips(DRAWN, corpus, tmp_path / "b", labelled=clips, leave_out=names)
    assert not (tmp_path / "b").exists()


def test_stereo_stays_stereo_and_masters_change_the_reference(tmp_path: Path) -> None:
    stereo = np.stack([make_music(2.5, 0), make_music(2.5, 1)])
    write_audio(tmp_path / "in" / "song.flac", Audio.from_array(stereo, RATE))
    recipe = ClipRecipe.model_validate(
        RECIPE.model_dump() | {"channels": 2, "masters": ["darken:6"], "single": 0, "cascades": 1}
    )
    clean, coded = build_clips(recipe, tmp_path / "in", tmp_path / "out")
    assert clean.channels == 2
    assert clean.label == pytest.approx(4.732, abs=0.01)
    assert read_audio(tmp_path / "out" / coded.path).channels == 2
    dark, _ = regenerate(clean, recipe, tmp_path / "in")
    bright, _ = regenerate(replace(clean, master=""), recipe, tmp_path / "in")
    assert treble_share(dark) < 0.5 * treble_share(bright)


def treble_share(audio: Audio) -> float:
    spectrum = np.abs(np.fft.rfft(audio.mono().samples[0])) ** 2
    return float(spectrum[spectrum.size // 4 :].sum() / spectrum.sum())


@pytest.mark.parametrize("name", ["codec-cnn", "codec-music"])
def test_published_labels_come_out_again(name: str) -> None:
    """Needs the built corpus `open-music`, in the folder named by AURICLE_CORPUS."""
    folder = os.environ.get("AURICLE_CORPUS")
    if not folder:
        pytest.skip("AURICLE_CORPUS names no corpus of reference recordings")
    table = read_manifest(LABELS / f"{name}.parquet")
    recipe = read_clip_recipe(name)
    for index in np.random.default_rng(0).integers(len(table), size=8).tolist():
        clip = table[index]
        reference, degraded = regenerate(clip, recipe, Path(folder))
        pcm = np.round(degraded.samples.T * 32768).astype("<i2")
        assert hashlib.sha256(pcm.tobytes()).hexdigest() == clip.pcm_sha256, clip.id
        judgement = Visqol(reference).compare(degraded)
        assert judgement.mos == pytest.approx(clip.label, abs=1e-5), clip.id
        assert judgement.patches == pytest.approx(clip.similarity, abs=1e-4)


def test_the_summary_counts(built: Path) -> None:
    summary = inspect_manifest(built / "manifest.csv")
    assert inspect_manifest(built) == summary
    assert (summary["clips"], summary["labelled"]) == (12, 9)
    assert sum(bin_["clips"] for bin_ in summary["label_histogram"]) == 9
    assert sum(summary["failures"].values()) == 3


def test_every_key_of_a_clip_recipe_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    table = text.partition("## Keys of a clip recipe")[2].partition("\n## ")[0]
    documented = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    nested = {f"draw.{name}" for name in DrawRecipe.model_fields}
    assert documented == {*ClipRecipe.model_fields} | nested


def test_recordings_that_are_too_short_are_counted(corpus: Path) -> None:
    rows = read_corpus(corpus)
    recipe = RECIPE.model_copy(update={"split": {"train": 4, "test": 1}, "seconds": 2.2})
    with pytest.raises(DataError, match=r"has 3 that last 2\.2 s \(1 are too short\)"):
        plan_clips(recipe, rows)
    with pytest.raises(DataError, match="none of 4 excerpts lasts 9 s"):
        plan_clips(recipe.model_copy(update={"seconds": 9.0}), rows)


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
    recipe.write_text("split: {train: 1.0}\ndraw: {clips: {train: 0}}\n")
    with pytest.raises(ConfigError, match="train"):
        read_clip_recipe(recipe)
    with pytest.raises(ConfigError, match="codec-music"):
        read_clip_recipe("no-such-recipe")
