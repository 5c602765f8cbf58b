"""The assembled network as an ONNX model."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

import numpy as np
import onnx_ir
import onnxruntime
import torch
from torch import Tensor, nn

from auricle.core.errors import BundleError
from auricle.systems.config import SystemConfig
from auricle.systems.system import System

OUTPUTS = ("mean", "log_variance", "track")

# A hundredth of a point of a hundred.
_TOLERANCE = 1e-4


def export_onnx(system: System, config: SystemConfig) -> bytes:
    """Return the network as one ONNX file, weights embedded.

    Input `log_mel` `[batch, frame, mel]` (any number of frames, except for networks of a fixed
    length), outputs `mean` and `log_variance` `[batch]` and `track` `[batch, frame]`.

    Raises `BundleError` when torch and ONNX Runtime disagree by more than 1e-4.
    """
    system = system.eval()
    frames = config.segment_frames
    axes: dict[int, torch.export.Dim] = {0: torch.export.Dim("batch")}
    if not config.fixed_length:
        axes[1] = torch.export.Dim("frame", min=2)
    example = torch.rand(2, frames, config.front_end.n_mels)
    with _quiet():
        program = torch.onnx.export(
            _Outputs(system),
            (example,),
            dynamo=True,
            input_names=["log_mel"],
            dynamic_shapes=(axes,),
            verbose=False,
        )
    if program is None:
        raise BundleError("torch did not return an ONNX model")
    _name_outputs(program.model.graph)
    model: bytes = program.model_proto.SerializeToString()
    lengths = (frames,) if config.fixed_length else (frames, frames // 3)
    for length in lengths:
        check_onnx(system, model, torch.rand(3, length, config.front_end.n_mels))
    return model


def check_onnx(system: System, model: bytes, log_mel: Tensor) -> None:
    """Raise `BundleError` unless torch and ONNX Runtime agree to 1e-4 on `log_mel`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    answers = session.run(list(OUTPUTS), {"log_mel": log_mel.numpy()})
    with torch.no_grad():
        expected = system(log_mel)
    for name, answer, wanted in zip(OUTPUTS, answers, expected, strict=True):
        ours, theirs = np.asarray(answer), wanted.numpy()
        if name == "log_variance":  # what counts is sigma, on the scale of the score
            ours, theirs = np.exp(0.5 * ours), np.exp(0.5 * theirs)
        gap = float(np.max(np.abs(ours - theirs)))
        if not gap <= _TOLERANCE:
            raise BundleError(f"torch and ONNX Runtime disagree on {name} by {gap:.2g}")


class _Outputs(nn.Module):
    """A plain tuple, which the exporter names."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance, track = self.system(log_mel)
        return mean, log_variance, track


def _name_outputs(graph: onnx_ir.Graph) -> None:
    """Name the outputs; the exporter itself would let an inner "mean" clash with ours."""
    for node in graph:
        for value in node.outputs:
            if value.name in OUTPUTS:
                value.name = f"inner_{value.name}"
    for value, name in zip(graph.outputs, OUTPUTS, strict=True):
        value.name = name


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's notes on operators that this network doesn't use."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
