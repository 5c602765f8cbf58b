from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import ConfigError, DataError
from auricle.data.batches import Augmentation, Batches, split_rows
from auricle.data.features import FeatureSet, LabelledClip
from auricle.data.targets import Targets
from auricle.signal.spectra import LogMel

FRAMES, MELS, CLIPS = 20, 8, 11


@pytest.fixture
def features() -> FeatureSet:
    # Every value of a clip is its row (over 16), every frame adds its number (over 1024).
    rows = np.arange(CLIPS)[:, None, None] / 16 + np.arange(FRAMES)[None, :, None] / 1024
    log_mel = np.broadcast_to(rows, (CLIPS, FRAMES, MELS)).astype(np.float16)
    clips = tuple(
        LabelledClip(f"c{row}", f"r{row}", "s", "train" if row < 8 else "test", 3.0, "")
        for row in range(CLIPS)
    )
    # The second patch of 0.6 s begins at 0.9 s: with the tenth frame.
    return FeatureSet(Path("nowhere"), log_mel, clips, LogMel(hop=4320))


def make(features: FeatureSet, **options: object) -> Batches:
    labels = np.arange(CLIPS, dtype=np.float32) / 16
    # Over time every clip rises from its label by a tenth.
    course = labels[:, None] + np.array([0.0, 0.1], dtype=np.float32)
    traces = np.zeros((CLIPS, 7, 2), dtype=np.float32)
    settings = {"batch_size": 4, "seed": 5} | options
    targets = Targets(labels, course, traces)
    return Batches(features, targets, range(CLIPS), **settings)  # type: ignore[arg-type]


def test_an_epoch_holds_every_clip_once_with_its_own_label(features: FeatureSet) -> None:
    batches = make(features)
    epoch = list(batches.epoch(1))
    assert [len(batch.label) for batch in epoch] == [4, 4, 3]
    assert len(batches) == 3
    labels = np.concatenate([batch.label for batch in epoch])
    assert sorted(labels * 16) == list(range(CLIPS))
    for batch in epoch:
        assert batch.log_mel.dtype == np.float32
        assert batch.log_mel.shape[1:] == (FRAMES, MELS)
        np.testing.assert_allclose(np.floor(batch.log_mel[:, 0, 0] * 16), batch.label * 16)


def test_the_label_of_a_crop_is_the_mean_of_its_course(features: FeatureSet) -> None:
    for batch in make(features, crop=6).epoch(1):
        row = np.floor(batch.log_mel[:, 0, 0] * 16)
        start = np.round((batch.log_mel[:, 0, 0] - row / 16) * 1024)
        late = np.clip(start + 6 - FRAMES / 2, 0, 6)
        np.testing.assert_allclose(batch.label, row / 16 + 0.1 * late / 6, atol=1e-6)
        np.testing.assert_allclose(batch.course.mean(axis=1), batch.label, atol=1e-6)


def test_crops_are_successive_frames(features: FeatureSet) -> None:
    for batch in make(features, crop=6).epoch(1):
        np.testing.assert_allclose(np.diff(batch.log_mel, axis=1) * 1024, 1.0)


def test_an_epoch_depends_on_seed_and_number_alone(features: FeatureSet) -> None:
    augmentation = Augmentation(level_db=6.0, tilt_db=6.0, top_bands=2)

    def run(seed: int, number: int) -> np.ndarray:
        batches = make(features, crop=6, augmentation=augmentation, seed=seed)
        return np.concatenate([batch.log_mel for batch in batches.epoch(number)])

    np.testing.assert_array_equal(run(1, 3), run(1, 3))
    assert not np.array_equal(run(1, 3), run(1, 4))
    assert not np.array_equal(run(1, 3), run(2, 3))


def test_in_order_means_whole_and_untouched(features: FeatureSet) -> None:
    batches = make(features, crop=6, augmentation=Augmentation(tilt_db=6.0))
    seen = np.concatenate([batch.log_mel for batch in batches.in_order()])
    np.testing.assert_array_equal(seen, features.log_mel.astype(np.float32))


@given(
    level=st.floats(0, 20),
    tilt=st.floats(0, 20),
    equaliser=st.floats(0, 20),
    top=st.integers(0, MELS),
    seed=st.integers(0),
)
@settings(deadline=None)
def test_augmentation_keeps_the_range_and_the_holes(
    level: float, tilt: float, equaliser: float, top: int, seed: int
) -> None:
    log_mel = np.random.default_rng(0).uniform(-0.5, 1.0, (FRAMES, MELS)).astype(np.float32)
    log_mel = np.maximum(log_mel, 0.0)
    changed = log_mel.copy()
    augmentation = Augmentation(level_db=level, tilt_db=tilt, equaliser_db=equaliser, top_bands=top)
    augmentation(changed, 80.0, np.random.default_rng(seed))
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0
    assert (changed[log_mel == 0.0] == 0.0).all()
    # No value moves by more than the stated decibels, apart from emptied bands.
    kept = changed[:, : MELS - top]
    most = (level + tilt / 2 + equaliser) / 80 + 1e-6
    assert (np.abs(kept - log_mel[:, : MELS - top]) <= most).all()


def test_emptied_bands_are_the_highest_of_some_clips() -> None:
    emptied = set()
    for seed in range(40):
        log_mel = np.ones((FRAMES, MELS), dtype=np.float32)
        Augmentation(top_bands=3)(log_mel, 80.0, np.random.default_rng(seed))
        assert (log_mel[:, : MELS - 3] == 1.0).all()
        emptied.add(int((log_mel[0] == 0.0).sum()))
    assert emptied == {0, 1, 2, 3}


def test_shifted_bands_keep_their_order() -> None:
    before = np.tile(np.linspace(0.1, 0.9, MELS, dtype=np.float32), (FRAMES, 1))
    found = set()
    for seed in range(40):
        log_mel = before.copy()
        Augmentation(shift=2)(log_mel, 80.0, np.random.default_rng(seed))
        up = next(n for n in (2, 1, 0, -1, -2) if (np.roll(before, n, 1)[0, 3] == log_mel[0, 3]))
        inside = slice(max(up, 0), MELS + min(up, 0))
        assert (log_mel[:, inside] == np.roll(before, up, 1)[:, inside]).all()
        assert (log_mel[:, : max(up, 0)] == before[0, 0]).all()
        assert (log_mel[:, MELS + min(up, 0) :] == 0.0).all()
        found.add(up)
    assert found == {-2, -1, 0, 1, 2}


def test_spliced_clips_are_of_two_and_so_is_their_quality(features: FeatureSet) -> None:
    related = tuple(
        replace(clip, reference="odd" if row % 2 else "even")
        for row, clip in enumerate(features.clips)
    )
    seams = 0
    for batch in make(replace(features, clips=related), splice=1.0).epoch(1):
        rows = np.floor(batch.log_mel[..., 0] * 16).astype(int)
        late = np.where(np.arange(FRAMES) < FRAMES // 2, 0.0, 0.1)
        np.testing.assert_allclose(batch.course, rows / 16 + late, atol=1e-6)
        np.testing.assert_allclose(batch.label, batch.course.mean(axis=1), atol=1e-6)
        # At most one seam, and both parts are of the same reference.
        assert (np.count_nonzero(np.diff(rows, axis=1), axis=1) <= 1).all()
        assert ((rows[:, 0] - rows[:, -1]) % 2 == 0).all()
        seams += np.count_nonzero(rows[:, 0] != rows[:, -1])
    assert seams > CLIPS // 3


def test_only_what_both_parts_went_through_is_their_history(features: FeatureSet) -> None:
    traces = np.zeros((CLIPS, 7, 2), dtype=np.float32)
    traces[:, 1, 0] = np.arange(CLIPS) % 2
    batches = make(features, splice=1.0)
    batches.targets = replace(batches.targets, traces=traces)
    found = np.concatenate([batch.traces for batch in batches.epoch(1)])
    assert (found[:, 0] == 0.0).all()
    assert set(found[np.isfinite(found[:, 1, 0]), 1, 0]) == {0.0, 1.0}
    assert np.isnan(found[:, 1, 0]).any()


def test_splits(features: FeatureSet) -> None:
    assert split_rows(features, "test").tolist() == [8, 9, 10]
    with pytest.raises(DataError, match="no clips of the calibration split"):
        split_rows(features, "calibration")


def test_nonsense_is_refused(features: FeatureSet) -> None:
    with pytest.raises(ConfigError, match="1 to 20 frames"):
        make(features, crop=21)
    with pytest.raises(DataError):
        Batches(features, np.zeros(0, np.float32), [], batch_size=1)


@pytest.mark.parametrize("batch_size", [3, 5, 10])
def test_no_batch_is_left_with_a_single_clip(features: FeatureSet, batch_size: int) -> None:
    sizes = [len(batch.label) for batch in make(features, batch_size=batch_size).epoch(1)]
    assert sum(sizes) == CLIPS
    assert max(sizes) <= batch_size
    assert min(sizes) > 1


def test_too_few_clips_are_gone_over_until_there_are_enough_steps(features: FeatureSet) -> None:
    for steps, rounds in ((3, 1), (4, 2), (6, 2), (7, 3)):
        batches = make(features, steps=steps)
        epoch = list(batches.epoch(1))
        assert len(epoch) == len(batches) >= steps
        labels = np.concatenate([batch.label for batch in epoch])
        assert sorted(labels * 16) == sorted([*range(CLIPS)] * rounds)


@given(steps=st.integers(1, 30), batch_size=st.integers(1, 20), clips=st.integers(1, CLIPS))
def test_an_epoch_is_no_longer_than_steps_and_clips_want(
    steps: int, batch_size: int, clips: int
) -> None:
    labels = np.zeros(CLIPS, dtype=np.float32)
    targets = Targets(labels, labels[:, None], np.zeros((CLIPS, 7, 2), dtype=np.float32))
    table = tuple(LabelledClip(f"c{row}", "", "s", "train", 3.0, "") for row in range(CLIPS))
    log_mel = np.zeros((CLIPS, 2, 2), dtype=np.float16)
    small = FeatureSet(Path("nowhere"), log_mel, table, LogMel(hop=4320))
    batches = Batches(small, targets, range(clips), batch_size=batch_size, steps=steps)
    assert len(batches) >= steps
    assert (len(batches) - 1) * batch_size < max(clips, (steps - 1) * batch_size + clips)
