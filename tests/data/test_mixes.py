import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music
from typer.testing import CliRunner

from auricle.cli.data import app
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError
from auricle.data.manifest import Clip, Split, write_manifest
from auricle.data.mix_plan import MixClip, Source, plan_mixes, read_pool
from auricle.data.mix_recipe import MixRecipe, read_mix_recipe
from auricle.data.mixes import build_mixes, degrade_mixture, mix_sources, read_mixes, write_mixes
from auricle.data.rated import read_rated
from auricle.data.recordings import Kind, Recording, write_recordings
from auricle.reference.visqol import Visqol
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import integrated_loudness

RECIPE = MixRecipe.model_validate(
    {
        "seconds": 2.0,
        "leave": ["band/loud*"],
        "sources": [1, 2, 3],
        "clean": 0.3,
        "processes": {"mp3": [32000, 96000], "lowpass": [3500, 9000], "noise": [10, 40]},
        "clips": {"train": 6, "test": 5},
        "split": {"train": 0.5, "test": 0.5},
    }
)
SPLITS: dict[str, Split] = {
    f"band/song{number}": "train" if number < 4 else "calibration" for number in range(8)
}
SPLIT_TWICE: tuple[Split, ...] = ("test", "train")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    rows = []
    names = [*(f"song{number}" for number in range(8)), "loud", "silent", "brief"]
    for seed, name in enumerate(names):
        samples = make_music(2.5, seed)
        samples[RATE if name == "silent" else len(samples) :] = 0.0
        samples = samples[: RATE if name == "brief" else len(samples)]
        write_audio(folder / "band" / f"{name}-1.flac", Audio.from_array(samples, RATE))
        kind: Kind = "speech" if seed % 2 else "rendered"
        recording, seconds = f"band/{name}", len(samples) / RATE
        row = Recording(
            f"{recording}-1", recording, f"{recording}-1.flac", "band", kind, "CC0-1.0", "me", name,
            RATE, 1, 0.0, seconds,
        )  # fmt: skip
        rows.append(row)
    write_recordings(rows, folder / "recordings.csv")
    return folder


@pytest.fixture(scope="module")
def built(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("mixes")
    build_mixes(RECIPE, [corpus], output, splits=SPLITS)
    return output


def pool_of(count: int, kind: str = "rendered", split: Split = "train") -> list[Source]:
    return [
        Source(f"{kind}{n}.flac", f"{kind}{n // 3}", kind, 0.0, split)  # type: ignore[arg-type]
        for n in range(count)
    ]


def test_only_single_sources_that_sound_are_taken(corpus: Path) -> None:
    pool = read_pool(RECIPE, [corpus], SPLITS)
    assert {source.recording for source in pool} == SPLITS.keys()
    with pytest.raises(DataError, match="two corpora hold"):
        read_pool(RECIPE, [corpus, corpus], SPLITS)
    nothing = RECIPE.model_copy(update={"take": ("none/*",)})
    with pytest.raises(DataError, match="no excerpt is taken"):
        read_pool(nothing, [corpus], {})


def test_training_recordings_stay_in_training(corpus: Path) -> None:
    for seed in range(5):
        pool = read_pool(RECIPE.model_copy(update={"seed": seed}), [corpus], SPLITS)
        for source in pool:
            assert (source.split == "train") == (SPLITS[source.recording] == "train")
    free = [
        source.split
        for seed in range(20)
        for source in read_pool(RECIPE.model_copy(update={"seed": seed}), [corpus], {})
    ]
    assert 0.35 < free.count("train") / len(free) < 0.65


def test_a_recording_that_no_part_may_hold_is_refused(corpus: Path) -> None:
    alone = RECIPE.model_copy(update={"split": {"train": 1.0}, "clips": {"train": 4}})
    with pytest.raises(DataError, match="'split' has no other part"):
        read_pool(alone, [corpus], SPLITS)


def test_every_number_of_sources_is_equally_frequent() -> None:
    recipe = RECIPE.model_copy(update={"clips": {"train": 600}})
    clips = plan_mixes(recipe, pool_of(30) + pool_of(12, "speech"))
    assert Counter(clip.source_count for clip in clips) == {1: 200, 2: 200, 3: 200}
    assert len({clip.id for clip in clips}) == 600
    none = sum(not clip.process for clip in clips) / 600
    cascades = sum("+" in clip.process for clip in clips) / 600
    assert none == pytest.approx(recipe.clean, abs=0.05)
    assert cascades == pytest.approx(recipe.cascade, abs=0.05)
    gains = [part.gain for clip in clips for part in clip.sources]
    assert -4.0 <= min(gains) < -3.8
    assert 3.8 < max(gains) <= 4.0


def test_half_of_the_mixtures_are_of_one_score() -> None:
    recipe = RECIPE.model_copy(update={"clips": {"train": 400}, "sources": (3,)})
    pool = pool_of(30) + pool_of(12, "speech")
    recording = {source.path: source.recording for source in pool}
    clips = plan_mixes(recipe, pool)
    together = [len({recording[part.path] for part in clip.sources}) == 1 for clip in clips]
    assert np.mean(together) == pytest.approx(0.5, abs=0.1)
    for clip, one in zip(clips, together, strict=True):
        assert one or len({recording[part.path] for part in clip.sources}) == 3
        assert not one or clip.domain == "music"
        assert len({part.path for part in clip.sources}) == 3


def test_more_sources_than_recordings_are_refused() -> None:
    recipe = RECIPE.model_copy(update={"clips": {"train": 4}, "sources": (11,)})
    with pytest.raises(DataError, match="train split has 10 recordings, but 11"):
        plan_mixes(recipe, pool_of(30))


def test_clips_are_labelled_and_hashed(built: Path) -> None:
    clips = read_mixes(built / "labels.csv")
    assert Counter(clip.split for clip in clips) == {"train": 6, "test": 5}
    for clip in clips:
        assert clip.proxy_quality is not None
        assert not clip.error
        assert clip.engine.startswith("visqol-python")
        audio = read_audio(built / clip.path)
        assert (audio.sample_rate, audio.channels, audio.duration) == (RATE, 1, 2.0)
        assert integrated_loudness(audio) == pytest.approx(-23.0, abs=0.1)
        pcm = np.round(audio.samples * 32768).astype("<i2")
        assert hashlib.sha256(pcm.tobytes()).hexdigest() == clip.pcm_sha256
        if not clip.process:
            assert clip.proxy_quality == pytest.approx(4.732, abs=0.01)
    assert any(not clip.process for clip in clips)
    assert len({round(clip.proxy_quality or 0, 2) for clip in clips}) > 4


def test_no_recording_is_in_two_splits(built: Path) -> None:
    splits: dict[str, set[str]] = {}
    for clip in read_mixes(built / "labels.csv"):
        for part in clip.sources:
            splits.setdefault(part.path, set()).add(clip.split)
    assert all(len(names) == 1 for names in splits.values())
    trained = {path for path, names in splits.items() if names == {"train"}}
    assert trained <= {f"band/song{number}-1.flac" for number in range(4)}


def test_the_scores_can_be_read_as_ratings(built: Path) -> None:
    clips = read_mixes(built / "labels.csv")
    rated = read_rated(built / "rated.csv")
    assert [clip.id for clip in rated] == [clip.id for clip in clips]
    for clip, row in zip(clips, rated, strict=True):
        assert row.mean("proxy_quality") == clip.proxy_quality
        assert row.mean("source_count") == len(clip.sources)
        assert (row.recording, row.path) == (clip.mixture, clip.path)
    systems = {clip.system for clip in rated}
    assert "none" in systems
    assert systems <= {"none", "mp3", "lowpass", "noise", "cascade"}


def test_a_row_is_enough_to_make_clip_and_label_again(built: Path, corpus: Path) -> None:
    clip = max(read_mixes(built / "labels.csv"), key=lambda clip: (clip.source_count, clip.process))
    mixture = mix_sources(clip.sources, RECIPE, [corpus])
    degraded = degrade_mixture(mixture, clip.process, RECIPE)
    assert np.array_equal(degraded.samples, read_audio(built / clip.path).samples)
    assert Visqol(mixture)(degraded) == pytest.approx(clip.proxy_quality, abs=1e-6)


def test_sources_are_heard_in_their_proportions(corpus: Path) -> None:
    plan = plan_mixes(RECIPE, read_pool(RECIPE, [corpus], SPLITS))
    clip = next(clip for clip in plan if clip.source_count == 3)
    mixture = mix_sources(clip.sources, RECIPE, [corpus]).samples[0].astype(np.float64)
    excerpts = []
    for part in clip.sources:
        excerpt = read_audio(corpus / part.path).samples[:, : 2 * RATE]
        level = -23.0 - integrated_loudness(Audio.from_array(excerpt, RATE))
        excerpts.append(10 ** (level / 20) * excerpt[0].astype(np.float64))
    weights, *_ = np.linalg.lstsq(np.array(excerpts).T, mixture, rcond=None)
    gains = 20 * np.log10(weights / weights[0])
    wanted = np.array([part.gain - clip.sources[0].gain for part in clip.sources])
    assert gains == pytest.approx(wanted, abs=0.05)


def test_workers_and_interruptions_do_not_show(built: Path, corpus: Path, tmp_path: Path) -> None:
    table = (built / "labels.csv").read_bytes()
    lines = (built / "journal.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "clips").mkdir()
    kept = lines[:4]
    (tmp_path / "journal.jsonl").write_text("".join(kept) + lines[4][:50])
    for name in ("train-0000-0", "train-0000-1", "train-0001-0"):
        clip = (built / "clips" / f"{name}.flac").read_bytes()
        (tmp_path / "clips" / f"{name}.flac").write_bytes(clip)
    seen: list[tuple[int, int]] = []
    build_mixes(
        RECIPE, [corpus], tmp_path, splits=SPLITS, jobs=2,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert (tmp_path / "labels.csv").read_bytes() == table
    assert min(seen) > (3, 11)
    assert max(seen) == (11, 11)


def test_labels_outlive_the_audio(built: Path, corpus: Path, tmp_path: Path) -> None:
    clips = read_mixes(built / "labels.csv")
    wrong = replace(clips[0], pcm_sha256="0" * 64)
    again = build_mixes(RECIPE, [corpus], tmp_path, labelled=[wrong, *clips[1:]])
    assert again[1:] == clips[1:]
    assert again[0].error.startswith("data: other samples")
    assert (tmp_path / clips[-1].path).read_bytes() == (built / clips[-1].path).read_bytes()
    with pytest.raises(DataError, match="no clip of the table has a label"):
        build_mixes(RECIPE, [corpus], tmp_path, labelled=[replace(wrong, proxy_quality=None)])
    with pytest.raises(DataError, match=r"no corpus holds band/song\d-1"):
        build_mixes(RECIPE, [tmp_path], tmp_path / "else", labelled=clips)


def test_a_table_that_does_not_fit_is_rejected(built: Path, tmp_path: Path) -> None:
    clips: list[MixClip] = read_mixes(built / "labels.csv")
    write_mixes(clips, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert read_mixes(tmp_path / "a.csv") == clips
    for old, new, message in (
        ("proxy_quality", "quality", "row 1: no value for proxy_quality"),
        (",test,", ",dev,", "row 7: split 'dev'"),
        ("source_count", "x", "no value for source_count"),
        ("[[", "[", "row 1: "),
    ):
        (tmp_path / "b.csv").write_text(text.replace(old, new))
        with pytest.raises(DataError, match=message):
            read_mixes(tmp_path / "b.csv")
    with pytest.raises(DataError, match="no table of mixes"):
        read_mixes(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("processes.mp3=[96000, 32000]", "range of mp3 must go from low to high"),
        ("processes.mp33=[32000, 96000]", "did you mean"),
        ("processes.clip=[1, 90]", "clip takes 1 to 50"),
        ("split.train=0.9", "must add up to 1"),
        ("clips.calibration=10", "no share in 'split'"),
        ("cascade=0.95", "more than 1"),
        ("versions=20", "'versions'"),
        ("parts.scores=[{package: a, format: audio, kind: rendered, licence: x, credit: x,"
         " include: [a]}]", "of format midi"),
        ("sauces=[1]", "sauces"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_rejected_with_its_key(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_mix_recipe("open-mixes", (override,))


def test_a_recipe_is_embedded_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is open-mixes"):
        read_mix_recipe("closed-mixes")
    path = tmp_path / "mine.yaml"
    path.write_text(
        "processes: {mp3: [32000, 64000]}\nclips: {test: 3}\nsplit: {test: 1.0}\n", encoding="utf-8"
    )
    assert read_mix_recipe(path, ("clips.test=5",)).clips == {"test": 5}


def test_the_command_makes_clips_again_by_their_labels(
    built: Path, corpus: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(RECIPE.model_copy(update={"seconds": 9.0}).model_dump_json(exclude={"parts"}))
    output = tmp_path / "again"
    command = ["mix", str(recipe), "--corpus", str(corpus), "--output", str(output)]
    command += ["--labels", str(built / "labels.csv"), "--set", "seconds=2.0", "--jobs", "1"]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.output
    assert "11 clips made again, 0 failed" in run.stdout
    assert (output / "labels.csv").read_bytes() == (built / "labels.csv").read_bytes()
    assert (output / "rated.csv").read_bytes() == (built / "rated.csv").read_bytes()


def test_the_command_keeps_training_recordings_in_training(corpus: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    few = RECIPE.model_copy(update={"clips": {"test": 1}, "split": {"train": 0.1, "test": 0.9}})
    recipe.write_text(few.model_dump_json(exclude={"parts"}))
    known = [
        Clip(f"{split}{number}", f"band/song{number}", "band", "x", split, "", "x")
        for split in SPLIT_TWICE
        for number in range(8)
    ]
    write_manifest(known, tmp_path / "manifest.csv")
    command = ["mix", str(recipe), "--corpus", str(corpus), "--output", str(tmp_path / "mixes")]
    run = CliRunner().invoke(app, [*command, "--splits", str(tmp_path / "manifest.csv")])
    assert isinstance(run.exception, DataError)
    assert "the test split has 0 recordings" in str(run.exception)


def test_a_recipe_without_parts_has_none_to_render(tmp_path: Path) -> None:
    command = ["parts", "open-mixes", "--set", "parts=null", "--cache", str(tmp_path)]
    run = CliRunner().invoke(app, [*command, "--output", str(tmp_path)])
    assert isinstance(run.exception, ConfigError)
    assert "no 'parts' to render" in str(run.exception)
