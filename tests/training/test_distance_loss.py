"""What the terms of the loss compare: against loops over anchors, and DeePAQ's own loss."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.distant import plan_versions

from auricle.catalog import find_reference_metric
from auricle.core.errors import ConfigError
from auricle.data.pair_plan import PairClip
from auricle.training.distance_labels import (
    DIRECTION,
    IDENTITY,
    PairLabels,
    find_codec,
    label_pairs,
)
from auricle.training.distance_loss import distance_loss, find_references, match_distances
from auricle.training.distance_recipe import (
    DistanceLossConfig,
    Term,
    load_distance_recipe,
)

INF = math.inf
ROWS = np.arange(24)


def clips() -> list[PairClip]:
    """Three excerpts of eight clips: two in two rungs of Opus, of filters and of noise."""
    rng = np.random.default_rng(5)
    found = []
    for number, clip in itertools.product(range(3), range(9)):
        (one,) = list(plan_versions(f"train-{number}", "train"))[clip : clip + 1]
        if clip == 6:
            continue
        if not one.clean:
            one = PairClip(
                **{name: getattr(one, name) for name in PairClip.__slots__ if name != "labels"},
                labels={
                    "visqol": float(rng.uniform(1, 4.7)),
                    "log_spectral": float(rng.uniform(1, 9)),
                },
            )
        found.append(one)
    return found


CLIPS = clips()


@pytest.fixture(scope="module")
def labels() -> PairLabels:
    return label_pairs(CLIPS)


def embed(seed: int, windows: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(24, windows, 4, generator=rng, dtype=torch.float64)
    counts = torch.randint(1, windows + 1, (3,), generator=rng).repeat_interleave(8)
    real = torch.arange(windows) < counts[:, None]
    return embeddings * real[..., None], counts


def loop(points: list[list[float]], label: list[float], groups: list[list[int]]) -> float:
    """Rank-N-Contrast anchor by anchor, summed, over the 24 clips."""
    total = 0.0
    for group in groups:
        for i in group:
            if not math.isfinite(label[i]):
                continue
            others = [j for j in group if j != i and not math.isnan(label[j])]
            near = {j: math.exp(-math.dist(points[i], points[j])) for j in others}
            gap = {j: abs(label[i] - label[j]) for j in others}
            terms = [
                -math.log(near[j] / sum(near[k] for k in others if gap[k] >= gap[j]))
                for j in others
            ]
            total += sum(terms) / max(1, len(terms))
    return total / 24


def deepaq_loss(points: list[list[float]], visqol: list[float], bitrate: list[float]) -> float:
    """The overall loss of Jiang et al.: ViSQOL's and, over all codecs, bitrate's Rank-N-Contrast.

    Both are sums over anchors, divided by the clips that are an anchor of either: all of these.
    """
    everyone = [[*range(24)]]
    assert not any(math.isnan(value) for value in visqol)
    return loop(points, visqol, everyone) + loop(points, bitrate, everyone)


def grouped(within: str | None) -> list[list[int]]:
    if within is None:
        return [[*range(24)]]
    if within == "domain":
        return [[i for i in range(24) if CLIPS[i].domain == d] for d in ("speech", "music")]
    if within == "codec":
        codes = {find_codec(clip.process)[0] for clip in CLIPS} - {None}
        return [
            [i for i in range(24) if CLIPS[i].clean or find_codec(CLIPS[i].process)[0] == code]
            for code in codes
        ]
    ladders = {(clip.excerpt, clip.ladder) for clip in CLIPS if clip.ladder}
    return [
        [
            i
            for i in range(24)
            if CLIPS[i].excerpt == e and CLIPS[i].ladder in ("" if CLIPS[i].clean else k, k)
        ]
        for e, k in ladders
    ]


@pytest.mark.parametrize("of", ["clips", "distances"])
@pytest.mark.parametrize(
    ("label", "within"),
    [
        ("visqol", None),
        ("consensus", "domain"),
        ("bitrate", None),
        ("bitrate", "codec"),
        ("log_spectral", "ladder"),
        ("ladder", "ladder"),
        ("pesq", None),
    ],
)
def test_terms_agree_with_loops(
    labels: PairLabels, of: str, label: str, within: str | None
) -> None:
    term = Term.model_validate({"of": of, "label": label, "within": within, "weight": 0.5})
    embeddings, windows = embed(1)
    found = distance_loss(DistanceLossConfig(terms=(term,)), labels, ROWS, embeddings, windows)
    points = (embeddings.sum(dim=1) / windows[:, None]).tolist()
    if of == "distances":
        reference = [8 * (i // 8) for i in range(24)]
        points = [
            [float((embeddings[i] - embeddings[reference[i]]).norm(dim=-1).sum() / windows[i])]
            for i in range(24)
        ]
    wanted = 0.5 * loop(points, labels.columns[label].tolist(), grouped(within))
    assert found.item() == pytest.approx(wanted, rel=1e-9)
    assert wanted > 0.0 or label == "pesq"


def test_deepaq_is_trained_with_its_own_loss(labels: PairLabels) -> None:
    loss = load_distance_recipe("deepaq").loss
    embeddings, windows = embed(2)
    points = embeddings.sum(dim=1) / windows[:, None]
    columns = [labels.columns[name].tolist() for name in ("visqol", "bitrate")]
    found = distance_loss(loss, labels, ROWS, embeddings, windows)
    assert loss.temperature == 1.0
    assert found.item() == pytest.approx(deepaq_loss(points.tolist(), *columns), rel=1e-9)


@settings(deadline=None)
@given(st.permutations(range(24)), st.integers(0, 9))
def test_the_order_of_a_batch_does_not_matter(order: list[int], seed: int) -> None:
    labels, rows = label_pairs(CLIPS), np.array(order)
    loss = load_distance_recipe("deepaq-fullband").loss
    embeddings, windows = embed(seed)
    straight = distance_loss(loss, labels, ROWS, embeddings, windows)
    mixed = distance_loss(loss, labels, rows, embeddings[order], windows[order])
    assert mixed.item() == pytest.approx(straight.item(), rel=1e-9)


def test_distances_that_follow_the_rungs_cost_least(labels: PairLabels) -> None:
    loss = DistanceLossConfig(terms=(Term(of="distances", label="ladder", within="ladder"),))
    windows = torch.ones(24, dtype=torch.long)
    rungs = torch.from_numpy(np.nan_to_num(labels.columns["ladder"])).float()
    right = distance_loss(loss, labels, ROWS, 9.0 * rungs[:, None, None], windows)
    # The same distances, but the severest rung is as near as the mildest.
    wrong = torch.where(rungs > 0, 3.0 - rungs, 0.0)
    assert right < 0.7 * distance_loss(loss, labels, ROWS, 9.0 * wrong[:, None, None], windows)


def test_clean_clips_have_the_best_of_all_labels(labels: PairLabels) -> None:
    clean = labels.clean
    assert (labels.columns["consensus"][clean] == 1.0).all()
    assert (labels.columns["bitrate"][clean] == INF).all()
    assert (labels.columns["ladder"][clean] == 0.0).all()
    assert (labels.columns["consensus"][~clean] < 1.0).all()
    assert np.nanmin(labels.columns["bitrate"]) == 16.0
    embeddings, windows = embed(3)
    found = match_distances(embeddings, windows, find_references(labels, ROWS))
    assert (found[clean] == 0.0).all()
    assert (found[~clean] > 0.0).all()


def test_labels_rise_or_fall_with_quality_as_their_metrics_say() -> None:
    for name in IDENTITY:
        scale = find_reference_metric(name.replace("_", "-")).spec.scale
        assert DIRECTION[name] == (1.0 if scale.higher_is_better else -1.0)


@pytest.mark.parametrize(
    ("process", "codec", "bitrate"),
    [
        ("aac:48k", "aac", 48.0),
        ("mp3:16k", "mp3", 32.0),  # MPEG-1 Layer III has no less at 48 kHz.
        ("mp3vbr:4", None, math.nan),
        ("alaw:8000", None, math.nan),
        ("opus:32k+opus:32k", None, math.nan),
        ("", None, math.nan),
    ],
)
def test_only_what_was_coded_once_has_a_bitrate(
    process: str, codec: str | None, bitrate: float
) -> None:
    assert find_codec(process) == (codec, pytest.approx(bitrate, nan_ok=True))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss.terms=[{of: clips, label: ladder}]", "within a ladder"),
        ("loss.terms=[]", "at least 1 item"),
        ("data.seconds=6.0", "longer than a segment"),
        ("batch.versions=1", "greater than or equal to 2"),
    ],
)
def test_refuses_what_cannot_be_trained(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_distance_recipe("deepaq", [override])
