"""The benchmark of intervals: how recordings are divided, and what is counted as covered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("torch")

import multi_gauss
from auricle.data.rated import RatedClip, check_rated
from auricle.systems.estimate import Estimate
from auricle.training.embeddings import EmbeddedClips
from auricle.training.fusion_bundle import calibrate_axes


def make_clips(domains: Sequence[str], each: int = 3) -> list[RatedClip]:
    return [
        RatedClip(
            f"{number}-{part}",
            "",
            "train",
            recording=f"r{number}",
            domain=domain,  # type: ignore[arg-type]
        )
        for number, domain in enumerate(domains)
        for part in range(each)
    ]


def test_recordings_are_divided_by_the_shares() -> None:
    clips = multi_gauss.divide(make_clips(["music"] * 200), seed=0, home="")
    check_rated(clips, "the draw")
    found = {name: sum(clip.split == name for clip in clips) for name in multi_gauss.SHARES}
    assert found == {"train": 360, "validation": 60, "calibration": 90, "test": 90}
    assert clips != multi_gauss.divide(make_clips(["music"] * 200), seed=1, home="")


def test_nothing_is_learnt_away_from_home() -> None:
    clips = multi_gauss.divide(make_clips(["music", "speech"] * 50), seed=0, home="music")
    assert {clip.split for clip in clips if clip.domain == "speech"} == {"test"}
    assert {clip.split for clip in clips if clip.domain == "music"} == set(multi_gauss.SHARES)


@pytest.mark.parametrize("uncertain", [True, False], ids=["factors", "constant"])
def test_what_is_counted_is_what_was_promised(uncertain: bool) -> None:
    """Errors of a known normal distribution, calibrated on half of the clips."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0.1, 0.3, (4000, 1))
    root = np.array([[1.0, 0.0], [0.6, 0.8]])
    mean = rng.uniform(2.3, 3.7, (4000, 2))
    label = mean + size * (rng.standard_normal((4000, 2)) @ root.T)
    covariance = size[..., None] ** 2 * (root @ root.T) if uncertain else np.zeros((4000, 0, 0))
    recipe = multi_gauss.build_recipe("multi_gauss" if uncertain else "mlp", 0)
    clips = make_clips(["music"] * 2000, each=1)
    calibration = calibrate_axes(
        recipe.system.axes, Estimate(mean[:2000], covariance[:2000]), label[:2000]
    )
    test = EmbeddedClips(tuple(clips), label[2000:], {}, (), {}, None)  # type: ignore[arg-type]
    said = Estimate(mean[2000:], covariance[2000:])
    verdict = multi_gauss.judge(test, said, calibration, recipe)
    promised = ["visqol", "zimtohrli", "joint box", *["ellipse, not calibrated"] * uncertain]
    for name in promised:
        assert verdict.held[name].mean() == pytest.approx(0.9, abs=0.025)
    assert 0.8 < verdict.held["both intervals"].mean() < 0.87
    rows = multi_gauss.tell_rows(verdict, resamples=50)
    assert float(rows["correlation of the errors"]) == pytest.approx(0.6, abs=0.05)
    if uncertain:
        assert rows["correlation told, mean"] == "0.60"
        assert float(rows["SRCC of error and sigma: visqol"].split()[0]) > 0.2
