from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data import features as module
from auricle.data.features import label_rated, read_features, write_features
from auricle.data.manifest import Clip
from auricle.data.rated import RatedClip
from auricle.signal.io import write_audio
from auricle.signal.spectra import LogMel

FRONT_END = LogMel(n_fft=512, hop=256, n_mels=16)
SECONDS = 0.5


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(5):
        path = f"clips/{number}.flac"
        noise = 0.1 * rng.standard_normal((2, 24000 + 100 * number))
        write_audio(tmp_path / path, Audio.from_array(noise, 48000))
        label = None if number == 2 else 1.0 + number
        made.append(
            Clip(f"c{number}", f"r{number}", "s", "ref", "train", "mp3:64k", path, label=label)
        )
    return made


def write(clips: list[Clip], folder: Path, **options: object) -> module.FeatureSet:
    return write_features(clips, folder, folder / "features", FRONT_END, seconds=SECONDS, **options)  # type: ignore[arg-type]


def test_rows_are_the_front_end_of_the_trimmed_mono_mean(clips: list[Clip], tmp_path: Path) -> None:
    features = write(clips, tmp_path)
    assert [clip.id for clip in features.clips] == ["c0", "c1", "c3", "c4"]
    assert [clip.label for clip in features.clips] == [1.0, 2.0, 4.0, 5.0]
    assert features.front_end == FRONT_END
    audio = module.read_audio(tmp_path / clips[3].path).mono()
    expected = FRONT_END(audio.samples[0, :24000])
    np.testing.assert_allclose(features.log_mel[2], expected, atol=5e-4)


def test_several_processes_write_the_same(clips: list[Clip], tmp_path: Path) -> None:
    alone = np.array(write(clips, tmp_path).log_mel)
    (tmp_path / "features" / "features.json").unlink()
    np.testing.assert_array_equal(alone, write(clips, tmp_path, jobs=2).log_mel)


def test_an_interrupted_run_goes_on(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(clips, tmp_path, progress=interrupt)
    with pytest.raises(DataError, match="no complete features"):
        read_features(tmp_path / "features")
    steps: list[tuple[int, int]] = []
    resumed = write(clips, tmp_path, progress=lambda done, total: steps.append((done, total)))
    # The second clip was computed but not yet noted when the run stopped.
    assert steps == [(3, 4), (4, 4)]
    assert (np.array(resumed.log_mel).max(axis=(1, 2)) == 1.0).all()
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == [
        "clips.csv",
        "features.json",
        "features.npy",
    ]
    monkeypatch.setattr(module, "read_audio", None)  # finished work is not done again
    write(clips, tmp_path)


def test_other_clips_or_settings_are_written_anew(clips: list[Clip], tmp_path: Path) -> None:
    write(clips, tmp_path)
    assert len(write(clips[:2], tmp_path).clips) == 2
    changed = write_features(
        clips, tmp_path, tmp_path / "features", replace(FRONT_END, n_mels=8), seconds=SECONDS
    )
    assert changed.log_mel.shape[2] == 8


def test_a_clip_that_is_too_short_is_named(clips: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0\.flac has 24000 samples, fewer than the 48000"):
        write_features(clips, tmp_path, tmp_path / "features", FRONT_END, seconds=1.0)


def test_clips_without_labels_are_refused(clips: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the clips has a label"):
        write([clips[2]], tmp_path)


def test_features_of_an_earlier_version_are_to_be_written_again(
    clips: list[Clip], tmp_path: Path
) -> None:
    write(clips, tmp_path)
    table = tmp_path / "features" / "clips.csv"
    table.write_text(table.read_text("utf-8").replace("reference", "other", 1), "utf-8")
    with pytest.raises(DataError, match="lacks the columns reference: write the features again"):
        read_features(tmp_path / "features")


def rate(tmp_path: Path) -> list[RatedClip]:
    tone = 0.1 * np.sin(np.arange(48000) / 20)
    ramp = tone * np.linspace(0.1, 1.0, 48000)
    for name, samples in (("short", tone[:9000]), ("long", ramp), ("silent", 0 * tone)):
        write_audio(tmp_path / f"{name}.wav", Audio.from_array(samples, 48000))
    (tmp_path / "broken.wav").write_bytes(b"no audio at all")
    names = ("short", "long", "silent", "broken", "gone", "unrated")
    return [
        RatedClip(
            name, f"{name}.wav", "train", "codec", "", "speech",
            {"noise": (1.0,)} if name == "unrated" else {"mos": (4.0, 3.0), "noise": (2.0,)},
        )
        for name in names
    ]  # fmt: skip


def test_rated_clips_of_any_length_are_repeated_or_cut_in_the_middle(tmp_path: Path) -> None:
    clips = label_rated(rate(tmp_path), "mos")
    features = write(clips, tmp_path, any_length=True)
    assert [clip.id for clip in features.clips] == ["short", "long"]
    assert features.clips[0].label == 3.5
    assert features.clips[0].source == "codec"
    assert [Path(path).stem for path, _ in features.unheard] == ["silent", "broken", "gone"]
    assert "it is silent" in features.unheard[0][1]
    short, long = (
        module.read_audio(tmp_path / f"{name}.wav").samples[0] for name in ("short", "long")
    )
    for row, samples in enumerate((np.tile(short, 3)[:24000], long[12000:36000])):
        np.testing.assert_allclose(features.log_mel[row], FRONT_END(samples), atol=5e-4)
    # What was left out is still known of finished features.
    assert write(clips, tmp_path, any_length=True).unheard == features.unheard


def test_a_rated_clip_whose_middle_is_silent_is_left_out(tmp_path: Path) -> None:
    rated = rate(tmp_path)[:2]
    tone = 0.1 * np.sin(np.arange(48000) / 20)
    tone[11000:37000] = 0.0
    write_audio(tmp_path / "long.wav", Audio.from_array(tone, 48000))
    features = write(label_rated(rated, "mos"), tmp_path, any_length=True)
    assert [clip.id for clip in features.clips] == ["short"]
    assert "its middle" in features.unheard[0][1]


def test_rated_clips_without_any_that_can_be_learned_from_are_refused(tmp_path: Path) -> None:
    rated = rate(tmp_path)
    with pytest.raises(DataError, match="none of the clips is rated for beauty"):
        label_rated(rated, "beauty")
    with pytest.raises(DataError, match=r"none of the clips could be heard: silent\.wav: it is"):
        write(label_rated(rated[2:4], "mos"), tmp_path, any_length=True)
