"""What a metric costs is measured in a process of its own, once per machine."""

from pathlib import Path

from auricle.evaluation.footprint import SECONDS, describe_machine, make_pair, measure_footprints
from auricle.evaluation.journal import Journal
from auricle.evaluation.rated_metrics import find_contenders


def test_costs_are_measured_once(tmp_path: Path) -> None:
    contenders, _ = find_contenders(["log-spectral"])
    path = tmp_path / "footprints.jsonl"
    told: list[tuple[int, int]] = []
    first = measure_footprints(contenders, Journal(path), lambda *now: told.append(now))
    cost = first["log-spectral"]
    assert 0.0 < cost.wall < 10.0
    assert 0.0 < cost.processor < 10.0
    # Python with NumPy takes tens of megabytes, and no metric of ours takes gigabytes.
    assert 2**24 < cost.start <= cost.peak < 2**31
    assert told == [(1, 1)]
    written = path.read_bytes()
    assert measure_footprints(contenders, Journal(path)) == first
    assert path.read_bytes() == written


def test_a_metric_that_fails_tells_why_and_is_tried_again(tmp_path: Path) -> None:
    (contender,), _ = find_contenders(["codec-music"])
    gone = type(contender)("no-such-metric", "no.v1", 1.0, "a")
    path = tmp_path / "footprints.jsonl"
    found = measure_footprints([gone], Journal(path))
    assert "no-such-metric" in found["no-such-metric"].error
    assert not path.exists()


def test_the_pair_is_always_the_same() -> None:
    (clean, noisy), again = make_pair(), make_pair()
    assert clean.duration == noisy.duration == SECONDS
    assert (clean.samples == again[0].samples).all()
    assert (noisy.samples != clean.samples).any()
    assert abs(noisy.samples).max() < 1.0
    assert "cores" in describe_machine()
