"""Domains by source, by clusters and by chance, and weights that part them from quality."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from auricle.core.errors import DataError
from auricle.data.domains import (
    MOST,
    Clusters,
    balance_sources,
    draw_domains,
    find_clusters,
    find_source_domains,
)

vectors = arrays(np.float64, (12, 3), elements=st.floats(-1e3, 1e3, width=32), unique=True)


@settings(deadline=None, max_examples=20)
@given(vectors, vectors, st.integers(2, 4))
def test_clips_that_are_not_trained_on_move_no_centre(
    first: np.ndarray, second: np.ndarray, clusters: int
) -> None:
    training = np.arange(8)
    second[:8] = first[:8]
    one, other = (find_clusters(values, training, clusters) for values in (first, second))
    assert one.clusters == other.clusters
    assert one.of[:8].tolist() == other.of[:8].tolist()


def test_clusters_are_what_is_there() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    # Scales that differ by a million are standardised away; the third feature does not move.
    values = (corners[truth] + 0.05 * rng.standard_normal((200, 2))) * [1e6, 1.0]
    values = np.column_stack((values, np.full(200, 3.0)))
    found = find_clusters(values, np.arange(100), 4)
    assert found.names == ("cluster 0", "cluster 1", "cluster 2", "cluster 3")
    pairs = set(zip(truth.tolist(), found.of.tolist(), strict=True))
    assert len(pairs) == 4


def test_clusters_can_be_kept_as_text() -> None:
    values = np.random.default_rng(1).standard_normal((30, 5))
    found = find_clusters(values, np.arange(20), 3)
    assert found.clusters is not None
    read = Clusters.model_validate(json.loads(found.clusters.model_dump_json()))
    assert read.assign(values).tolist() == found.of.tolist()


@pytest.mark.parametrize(
    ("values", "clusters", "message"),
    [
        (np.zeros((4, 2)), 1, "2 to 32"),
        (np.zeros((4, 2)), MOST + 1, "2 to 32"),
        (np.zeros((4, 2)), 5, "5 clusters need as many clips"),
        (np.full((4, 2), np.nan), 2, "finite"),
        (np.zeros(4), 2, "finite vectors"),
    ],
)
def test_clusters_that_cannot_be_are_refused(
    values: np.ndarray, clusters: int, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        find_clusters(values, np.arange(4), clusters)


def test_sources_are_those_that_are_trained_on() -> None:
    found = find_source_domains(["pam", "ears", "musdb", "ears", "other"], [0, 1, 2])
    assert found.names == ("ears", "musdb", "pam")
    assert found.of.tolist() == [2, 0, 1, 0, -1]


@pytest.mark.parametrize("source", ["pam", ""])
def test_one_source_makes_no_domains(source: str) -> None:
    with pytest.raises(DataError, match="two sources or more"):
        find_source_domains([source, source, "other"], [0, 1])


@given(st.integers(0, 50), st.integers(2, 9))
def test_chance_repeats_itself(seed: int, domains: int) -> None:
    one, other = (draw_domains(40, domains, seed) for _ in range(2))
    assert one.of.tolist() == other.of.tolist()
    assert set(one.of.tolist()) <= set(range(domains))
    # The domain of a clip does not depend on how many come after it.
    assert draw_domains(60, domains, seed).of[:40].tolist() == one.of.tolist()


def test_chance_needs_two_domains() -> None:
    with pytest.raises(DataError, match="2 domains or more"):
        draw_domains(4, 1)


@given(st.data())
def test_weights_make_label_and_domain_independent(data: st.DataObject) -> None:
    bins, domains = data.draw(st.integers(2, 4)), data.draw(st.integers(2, 3))
    # At least a tenth of what is usual, so that no weight is cut.
    counts = data.draw(
        st.lists(st.integers(2, 6), min_size=bins * domains, max_size=bins * domains)
    )
    table = np.array(counts).reshape(domains, bins)
    domain = np.repeat(np.repeat(np.arange(domains), bins), table.ravel())
    level = np.repeat(np.tile(np.arange(bins), domains), table.ravel())
    # Levels as far apart as quantiles can be: each is a bin of its own when they are equally many.
    weights = balance_sources([str(n) for n in domain], level.astype(float), bins=64)
    shares = np.bincount(level) / level.size
    for number in range(domains):
        inside = domain == number
        weighed = np.bincount(level[inside], weights[inside], minlength=bins)
        np.testing.assert_allclose(weighed / weighed.sum(), shares, rtol=1e-5)
        # And a domain counts as much as before.
        assert weights[inside].sum() == pytest.approx(inside.sum(), rel=1e-5)


def test_no_weight_is_beyond_ten() -> None:
    domain = np.array([0] * 99 + [0] + [1] * 100)
    quality = np.array([0.0] * 99 + [1.0] + [1.0] * 100)
    weights = balance_sources([str(n) for n in domain], quality, bins=2)
    assert weights.max() == 10.0
