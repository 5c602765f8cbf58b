from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.data.draw import (
    EDGES,
    Guess,
    bin_of,
    chances_of,
    draw_pilot,
    draw_strata,
    fill_evenly,
    plan_draw,
    thin,
)
from auricle.data.manifest import Clip
from auricle.degrade.base import parse_cascade
from auricle.degrade.processes import PROCESSES, draw_cascade, draw_defect


def make_pool(size: int, seed: int = 0) -> list[Clip]:
    """Clips whose true label follows from bitrate and brightness of the reference."""
    rng = np.random.default_rng(seed)
    pool = []
    for index in range(size):
        process = "+".join(str(part) for part in draw_cascade(rng))
        reference = f"r{index % 20}.flac"
        pool.append(Clip(f"c{index}", reference, "s", reference, "train", process, f"{index}.flac"))
    return pool


def truth(clip: Clip) -> float:
    tops = {kind: max(p.value for p in PROCESSES.values() if p.kind == kind) for kind in KINDS}
    worst = min(p.value / tops[p.kind] for p in parse_cascade(clip.process))
    brightness = int(clip.reference[1:-5]) / 20.0
    return 1.0 + 3.6 * float(worst ** (0.1 + 0.1 * brightness))


KINDS = {process.kind for process in PROCESSES.values()}
SPECTRA = {f"r{index}.flac": np.full(4, index / 20.0) for index in range(20)}


def labelled(clips: list[Clip]) -> list[Clip]:
    return [replace(clip, label=truth(clip)) for clip in clips]


def make_noisy(clips: list[Clip], seed: int) -> list[Clip]:
    """With labels that no forest can guess from process and reference alone."""
    noise = np.random.default_rng(seed).normal(0.0, 0.4, len(clips))
    labels = np.clip([truth(clip) for clip in clips] + noise, 1.0, 5.0)
    return [replace(clip, label=float(v)) for clip, v in zip(clips, labels, strict=True)]


@given(
    st.lists(st.floats(0.0, 50.0), min_size=1, max_size=12),
    st.floats(0.0, 100.0),
)
def test_bins_are_filled_evenly_up_to_what_they_hold(capacity: list[float], total: float) -> None:
    limits = np.array(capacity)
    counts = fill_evenly(limits, total)
    assert (counts <= limits + 1e-9).all()
    assert (counts >= 0).all()
    assert counts.sum() == pytest.approx(min(total, limits.sum()), abs=1e-6)
    open_bins = counts < limits - 1e-9
    if open_bins.any():
        assert counts.max() <= counts[open_bins].min() + 1e-6


def test_the_draw_is_nearly_uniform_though_the_pool_is_not() -> None:
    rng = np.random.default_rng(1)
    pool = make_pool(8000)
    pilot = labelled(draw_pilot(pool, 0.06, rng))
    guess = Guess(pilot, SPECTRA)
    names = {clip.id for clip in pilot}
    waiting = [clip for clip in pool if clip.id not in names]
    shares = plan_draw(waiting, pilot, guess, 1200)
    assert 0.0 <= min(shares.values()) <= max(shares.values()) <= 1.0
    candidates = [*pilot, *labelled(draw_strata(waiting, guess, shares, rng))]
    kept = thin(candidates, 1200, rng)
    assert len(kept) == 1200
    counts = np.bincount(
        bin_of(np.array([clip.label for clip in candidates if clip.id in kept], dtype=float)),
        minlength=len(EDGES) - 1,
    )
    whole = np.bincount(bin_of(np.array([truth(clip) for clip in pool])), minlength=len(EDGES) - 1)
    middle = whole > 300
    assert counts[middle].min() > 0.6 * counts[middle].max()
    assert whole[middle].max() > 2.0 * whole[middle].min()


def test_the_probabilities_of_a_draw_stand_for_the_pool() -> None:
    rng = np.random.default_rng(2)
    pool = make_noisy(make_pool(6000, seed=3), seed=4)
    pilot = draw_pilot(pool, 0.1, rng)
    names = {clip.id for clip in pilot}
    waiting = [clip for clip in pool if clip.id not in names]
    guess = Guess(pilot, SPECTRA)
    shares = plan_draw(waiting, pilot, guess, 1500)
    drawn = [*pilot, *draw_strata(waiting, guess, shares, rng)]
    weights = 1.0 / chances_of(drawn, guess, shares, 0.1)
    low = np.array([clip.label < 3.0 for clip in drawn])
    wanted = float(np.mean([clip.label < 3.0 for clip in pool]))
    assert np.average(low, weights=weights) == pytest.approx(wanted, abs=0.012)
    assert low.mean() > 1.5 * wanted


def test_guesses_know_no_more_of_the_clips_they_learned_from() -> None:
    pool = make_noisy(make_pool(2000), seed=1)
    guess = Guess(pool[:600], SPECTRA)
    errors = np.abs(guess(pool) - [clip.label for clip in pool])
    assert errors[:600].mean() == pytest.approx(errors[600:].mean(), rel=0.1)


def test_defects_have_guesses_too() -> None:
    rng = np.random.default_rng(5)
    defects = ["+".join(map(str, draw_defect(rng))) for _ in range(200)]
    pool = [
        replace(clip, process=process, label=3.0 + ("noise" in process))
        for clip, process in zip(make_pool(200), defects, strict=True)
    ]
    guesses = Guess(pool[:150], SPECTRA)(pool[150:])
    assert guesses == pytest.approx([clip.label for clip in pool[150:]], abs=0.5)
