"""What every metric refuses, whatever its network."""

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.api import assess
from auricle.core.errors import SignalError
from auricle.systems.bundle import Bundle, save_bundle
from auricle.systems.metric import require_finite
from auricle.systems.runtime import QualityMetric


@pytest.fixture(scope="module")
def broken(told: Bundle) -> Bundle:
    """The tiny system with a weight that is no number."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(told.onnx)
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim > 1:
            damaged = onnx.numpy_helper.from_array(np.full_like(values, np.nan), tensor.name)
            tensor.CopyFrom(damaged)
    folder = told.folder.with_name("broken")
    return save_bundle(folder, told.config, told.calibration, onnx=model.SerializeToString())


def test_an_answer_that_is_not_finite_is_an_error_not_a_score(
    broken: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(SignalError, match="network's answer is not finite"):
        QualityMetric(broken)(make_music(1.0), RATE)
    (result,) = assess("examples/lossless.flac", str(broken.folder))
    assert result.error is not None
    assert result.error.kind == "signal"


def test_every_part_of_an_answer_must_be_finite() -> None:
    require_finite(0.5, np.zeros(3), np.zeros((0, 2)))
    for bad in (np.nan, np.inf, [0.0, -np.inf]):
        with pytest.raises(SignalError):
            require_finite(0.5, bad)
