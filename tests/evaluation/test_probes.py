"""Linear probes, on vectors of which is known what they tell."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from auricle.core.errors import ConfigError, DataError, MissingDependencyError
from auricle.evaluation.probes import compare_representations, frequent_rows, probe

CLIPS, SONGS, FEATURES = 240, 40, 6
GROUPS = [f"song {clip % SONGS}" for clip in range(CLIPS)]
CODECS = ["mp3" if clip % 2 else "opus" if clip % 4 else "aac" for clip in range(CLIPS)]


def hide(seed: int = 0) -> np.ndarray:
    """Vectors that say nothing of the codec."""
    return np.random.default_rng(seed).normal(size=(CLIPS, FEATURES))


def tell(strength: float, seed: int = 0) -> np.ndarray:
    """Vectors with a direction for each codec."""
    vectors = hide(seed)
    for place, codec in enumerate(("aac", "mp3", "opus")):
        vectors[:, place] += strength * np.array([name == codec for name in CODECS])
    return vectors


def rotate(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(FEATURES, FEATURES)))[0]


def test_what_is_plain_is_told() -> None:
    found = probe(tell(12.0), CODECS, GROUPS)
    assert found.accuracy.value == found.balanced.value == found.above_chance.value == 1.0
    assert (found.clips, set(found.classes)) == (CLIPS, {"aac", "mp3", "opus"})
    assert found.chance == 0.5


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_not_there_is_at_chance(seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(CODECS).tolist()
    found = probe(tell(12.0, seed), shuffled, GROUPS, folds=4)
    # Three standard errors of a mean of the shares of 120, 60 and 60 clips.
    error = 3 * (2 / 9 * (1 / 120 + 2 / 60) / 9) ** 0.5
    assert found.balanced.value == pytest.approx(1 / 3, abs=error)
    assert found.accuracy.low < found.chance + 0.05
    assert found.above_chance.low < 0.05


def test_a_song_known_by_heart_does_not_help() -> None:
    """Every song has one codec and a vector of its own: nothing to be learned for other songs."""
    songs = np.random.default_rng(1).normal(size=(SONGS, 30))[np.arange(CLIPS) % SONGS]
    codecs = ["mp3" if clip % SONGS % 2 else "opus" for clip in range(CLIPS)]
    found = probe(songs + 0.01 * np.random.default_rng(2).normal(size=songs.shape), codecs, GROUPS)
    assert found.accuracy.low < 0.5
    assert found.accuracy.value < 0.75


def test_with_one_penalty_it_is_the_cross_validation_of_scikit_learn() -> None:
    vectors, truth = tell(2.0), np.unique(CODECS, return_inverse=True)[1]
    songs = np.array([int(group.split()[1]) for group in GROUPS])
    shares = cross_val_score(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01)),
        vectors,
        truth,
        groups=songs,
        cv=(parts := StratifiedGroupKFold(5, shuffle=True, random_state=0)),
    )
    sizes = [own.size for _, own in parts.split(vectors, truth, songs)]
    found = probe(vectors, CODECS, GROUPS, penalties=(100.0,))
    assert found.accuracy.value == pytest.approx(np.average(shares, weights=sizes))
    assert 0.6 < found.accuracy.low < found.accuracy.value < found.accuracy.high < 0.95


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.floats(-3.0, 3.0), st.floats(-50.0, 50.0))
def test_rotation_scale_and_offset_change_hardly_anything(
    seed: int, power: float, offset: float
) -> None:
    before = probe(tell(2.5), CODECS, GROUPS, penalties=(10.0,))
    moved = probe(
        10.0**power * tell(2.5) @ rotate(seed) + offset, CODECS, GROUPS, penalties=(10.0,)
    )
    assert moved.accuracy.value == pytest.approx(before.accuracy.value, abs=0.04)


def test_each_feature_may_have_a_unit_of_its_own_and_some_may_be_dead() -> None:
    vectors = tell(2.0)
    scaled = vectors * 10.0 ** np.arange(-3, 3) + np.arange(FEATURES)
    dead = np.column_stack((scaled, np.full(CLIPS, 7.0)))
    assert probe(dead, CODECS, GROUPS) == probe(vectors, CODECS, GROUPS)


def test_equal_seeds_give_equal_results() -> None:
    assert probe(tell(1.0), CODECS, GROUPS, seed=3) == probe(tell(1.0), CODECS, GROUPS, seed=3)


def test_many_features_need_the_stronger_penalty_that_is_chosen() -> None:
    vectors = np.column_stack((tell(2.0), np.random.default_rng(5).normal(size=(CLIPS, 200))))
    chosen = probe(vectors, CODECS, GROUPS)
    assert chosen.accuracy.value > probe(vectors, CODECS, GROUPS, penalties=(1.0,)).accuracy.value


def test_what_was_hidden_has_fallen_to_chance() -> None:
    change = compare_representations(tell(12.0), hide(), CODECS, GROUPS)
    assert change.before == probe(tell(12.0), CODECS, GROUPS)
    assert change.after == probe(hide(), CODECS, GROUPS)
    difference = change.after.balanced.value - change.before.balanced.value
    assert change.balanced.value == pytest.approx(difference)
    assert change.accuracy.high < -0.3
    assert change.fall is not None
    assert change.fall.value == pytest.approx(-difference / (2 / 3))
    assert change.fall.low > 0.8


def test_pairing_makes_the_difference_of_likes_certain() -> None:
    one = tell(1.5)
    change = compare_representations(one, np.column_stack((one, hide(9)[:, :1])), CODECS, GROUPS)
    assert change.accuracy.low <= 0.0 <= change.accuracy.high
    width = change.accuracy.high - change.accuracy.low
    assert width < change.before.accuracy.high - change.before.accuracy.low
    same = compare_representations(one, one @ np.diag([2.0] * FEATURES), CODECS, GROUPS)
    assert (same.accuracy.low, same.accuracy.high) == (0.0, 0.0)
    assert same.fall is not None
    assert same.fall.value == 0.0


def test_what_is_at_chance_cannot_fall() -> None:
    assert compare_representations(hide(1), hide(2), CODECS, GROUPS).fall is None


def test_rare_classes_can_be_left_out() -> None:
    labels = [*CODECS, "vorbis"]
    groups = [*GROUPS, "song 0"]
    vectors = np.vstack((tell(3.0), np.zeros((1, FEATURES))))
    with pytest.raises(DataError, match="'vorbis' is in 1 of the groups"):
        probe(vectors, labels, groups)
    rows = frequent_rows(labels, groups)
    assert rows.tolist() == list(range(CLIPS))
    assert probe(vectors[rows], CODECS, GROUPS) == probe(tell(3.0), CODECS, GROUPS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.full((CLIPS, 3), 2.0)}, "nothing in them to tell"),
        (
            {"vectors": np.where(np.arange(CLIPS)[:, None] == 7, np.nan, 1.0)},
            "clip 7 is not finite",
        ),
        ({"vectors": np.zeros(CLIPS)}, "not of shape"),
        ({"vectors": hide()[1:]}, "need vectors"),
        ({"labels": ["mp3"] * CLIPS}, "two classes"),
        ({"groups": ["song"] * CLIPS}, "in 1 of the groups only"),
        ({"groups": GROUPS[1:]}, "group labels"),
        ({"labels": [], "groups": [], "vectors": np.zeros((0, 2))}, "two classes"),
    ],
)
def test_what_cannot_be_probed_is_refused(change: dict, message: str) -> None:
    given_ = {"vectors": hide(), "labels": CODECS, "groups": GROUPS, **change}
    with pytest.raises(DataError, match=message):
        probe(**given_)


def test_one_fold_is_none() -> None:
    with pytest.raises(ConfigError, match="two folds"):
        probe(hide(), CODECS, GROUPS, folds=1)


def test_without_scikit_learn_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingDependencyError, match=r"auricle\[train\]"):
        probe(hide(), CODECS, GROUPS)
