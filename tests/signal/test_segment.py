import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auricle.signal.segment import split_segments


@given(
    sizes=st.lists(st.integers(0, 40), max_size=12),
    length=st.integers(1, 30),
)
def test_segments_cover_everything_once(sizes: list[int], length: int) -> None:
    total = sum(sizes)
    signal = np.arange(total, dtype=np.float32)
    blocks = np.split(signal, np.cumsum(sizes)[:-1]) if sizes else []
    segments = list(split_segments(blocks, length))
    fresh = [segment.samples[segment.seen :] for segment in segments]
    assert np.array_equal(np.concatenate([*fresh, signal[:0]]), signal)
    for segment in segments:
        end = segment.start + segment.samples.size
        assert np.array_equal(segment.samples, signal[segment.start : end])
        assert segment.samples.size == min(length, total)


def test_blocks_do_not_matter() -> None:
    signal = np.arange(1000, dtype=np.float32)
    whole = list(split_segments([signal], 300))
    parts = list(split_segments(np.split(signal, 10), 300))
    assert [s.start for s in whole] == [s.start for s in parts] == [0, 300, 600, 700]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(whole, parts, strict=True))
