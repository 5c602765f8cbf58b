from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from auricle.core.errors import DataError
from auricle.encoders.cache import EmbeddingCache


def _fill(folder: Path) -> float:
    cache = EmbeddingCache(folder)
    total = 0.0
    for number in range(20):
        key = cache.key({"encoder": "demo"}, f"{number:02d}")
        values = np.full((2, 50, 64), number, dtype=np.float32)
        total += float(cache.get(key, lambda values=values: values)[1, 2, 3])
    return total


def test_several_processes_may_fill_it_at_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        totals = list(pool.map(_fill, [tmp_path] * 3))
    assert totals == [sum(range(20))] * 3
    assert len(list(tmp_path.rglob("*.npy"))) == 20
    assert not list(tmp_path.rglob("*.part"))


def test_everything_that_decides_the_content_is_in_the_name(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    keys = {
        cache.key({"encoder": "a"}, "00"),
        cache.key({"encoder": "b"}, "00"),
        cache.key({"encoder": "a"}, "01"),
        EmbeddingCache(tmp_path, "float32").key({"encoder": "a"}, "00"),
    }
    assert len(keys) == 4


def test_it_computes_once_and_maps_the_file(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    key = cache.key({}, "00")
    cache.get(key, lambda: np.zeros((1, 2, 3)))

    def never() -> np.ndarray:
        raise AssertionError("it is there already")

    found = cache.get(key, never)
    assert isinstance(found, np.memmap)
    assert found.dtype == np.float16


def test_what_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="keep them in float32"):
        EmbeddingCache(tmp_path).get("ab", lambda: np.full(3, 1e6))
    assert EmbeddingCache(tmp_path, "float32").get("ab", lambda: np.full(3, 1e6))[0] == 1e6


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.get("abcd", lambda: np.zeros(3))
    next(tmp_path.rglob("*.npy")).write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="delete it"):
        cache.get("abcd", lambda: np.zeros(3))
