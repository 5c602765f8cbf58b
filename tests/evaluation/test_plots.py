import sys
from pathlib import Path

import numpy as np
import pytest

from auricle.core.errors import DataError, MissingDependencyError
from auricle.data.manifest import Clip
from auricle.evaluation.benchmark import LEVELS, Evaluation
from auricle.evaluation.plots import draw_reliability, draw_scatter, require_matplotlib
from auricle.evaluation.report import to_json, to_markdown

PNG = b"\x89PNG\r\n\x1a\n"


def evaluate_noise(claimed: float) -> Evaluation:
    """An evaluation with normal errors of 8 points, where `claimed` is what the metric expects."""
    rng = np.random.default_rng(0)
    target = rng.uniform(30.0, 70.0, 2000)
    score = target + rng.normal(0.0, 8.0, target.size)
    sigma = np.full(target.size, claimed)
    processes = ("", "mp3:32k", "mp3:64k", "opus:32k")
    clips = tuple(
        Clip(f"c{n}", f"song{n % 200}", "noise", "r", "test", processes[n % 4], f"{n}.flac", 3.0)
        for n in range(target.size)
    )
    low, high = score - 1.645 * sigma, score + 1.645 * sigma
    return Evaluation("demo.v1", "", "test", clips, score, low, high, sigma, target, ())


def test_an_honest_sigma_holds_what_it_promises_at_every_level() -> None:
    found = evaluate_noise(8.0).reliability()
    assert tuple(found) == LEVELS
    for level, share in found.items():
        # Three standard errors of a share of 2000 independent clips.
        assert share.value == pytest.approx(level, abs=3 * (level * (1 - level) / 2000) ** 0.5)
        assert share.low <= share.value <= share.high


def test_a_bold_sigma_shows_and_is_reported() -> None:
    # Half the true deviation: 90% intervals reach 0.82 deviations, which hold 58.9%.
    evaluation = evaluate_noise(4.0)
    share = evaluation.reliability()[0.9].value
    assert share == pytest.approx(0.589, abs=0.033)
    assert f"| 90% | {100 * share:.1f}% [" in to_markdown(evaluation)
    rows = to_json(evaluation)["reliability"]
    assert [row["nominal"] for row in rows] == list(LEVELS)
    assert "scatter.png" in to_markdown(evaluation, plots=True)


def test_plots_are_small_and_the_same_every_time(tmp_path: Path) -> None:
    evaluation = evaluate_noise(8.0)
    for name in ("one.png", "two.png"):
        draw_reliability(evaluation, tmp_path / "r" / name)
        draw_scatter(
            evaluation.target, evaluation.score, evaluation.recordings, tmp_path / "s" / name
        )
    for kind in ("r", "s"):
        one, two = ((tmp_path / kind / name).read_bytes() for name in ("one.png", "two.png"))
        assert one == two
        assert one.startswith(PNG)
        assert len(one) < 300_000


def test_few_recordings_are_named(tmp_path: Path) -> None:
    values = np.linspace(0.0, 100.0, 12)
    for name, recordings in {"same": ["a"] * 12, "many": [f"_{n}" for n in range(12)]}.items():
        draw_scatter(values, values[::-1], recordings, tmp_path / f"{name}.png", title=name)
    sizes = [(tmp_path / f"{name}.png").stat().st_size for name in ("same", "many")]
    assert sizes[1] > sizes[0]
    with pytest.raises(DataError, match="one length"):
        draw_scatter(values, values[1:], ["a"] * 12, tmp_path / "no.png")


def test_without_matplotlib_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"auricle\[report\]"):
        require_matplotlib()
