from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import DataError
from auricle.evaluation.representation import draw_representations, project

PNG = b"\x89PNG\r\n\x1a\n"
QUALITY = np.linspace(0.0, 1.0, 60)
LABELS = ["_mp3" if clip % 2 else "opus" for clip in range(60)]


def vectors(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(60, 5)) + 4.0 * QUALITY[:, None]


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_pictures_are_small_and_the_same_every_time(tmp_path: Path, method: str) -> None:
    for name in ("one.png", "two.png"):
        path = tmp_path / "new" / name
        draw_representations({"speech": vectors()}, LABELS, QUALITY, path, method=method)
    one, two = ((tmp_path / "new" / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    assert one.startswith(PNG)
    assert len(one) < 300_000


def test_several_have_a_row_each(tmp_path: Path) -> None:
    both = {"before": vectors(), "after": vectors(1)}
    heights = []
    for count in (1, 2):
        path = tmp_path / f"{count}.png"
        draw_representations(dict([*both.items()][:count]), LABELS, QUALITY, path)
        # Of the PNG header: bytes 20 to 23.
        heights.append(int.from_bytes(path.read_bytes()[20:24], "big"))
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.05)


def test_many_classes_can_be_drawn(tmp_path: Path) -> None:
    labels = [f"c{clip // 2}" for clip in range(60)]
    draw_representations({"x": vectors()}, labels, QUALITY, tmp_path / "many.png", label="codec")
    assert (tmp_path / "many.png").read_bytes().startswith(PNG)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100.0), st.floats(-10.0, 10.0))
def test_units_and_dead_features_change_nothing(seed: int, scale: float, offset: float) -> None:
    one = vectors(seed)
    other = np.column_stack((scale * one + offset, np.full(60, offset)))
    np.testing.assert_allclose(project(one), project(other), atol=1e-6)


def test_the_first_direction_is_the_widest() -> None:
    plane = project(vectors())
    assert plane.shape == (60, 2)
    assert plane[:, 0].var() > plane[:, 1].var()
    assert abs(np.corrcoef(plane[:, 0], QUALITY)[0, 1]) > 0.8


def test_one_feature_is_a_line() -> None:
    assert project(np.arange(6.0)[:, None])[:, 1].tolist() == [0.0] * 6


@pytest.mark.parametrize(
    ("found", "labels", "message"),
    [
        ({"x": vectors()[1:]}, LABELS, "need vectors"),
        ({"x": vectors()}, LABELS[1:], "as many labels"),
        ({"x": np.zeros((60, 3))}, LABELS, "the same"),
        ({}, LABELS, "no representation"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, found: dict, labels: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        draw_representations(found, labels, QUALITY, tmp_path / "no.png")


def test_too_few_clips_make_no_picture() -> None:
    with pytest.raises(DataError, match="4 clips"):
        project(np.eye(4))
