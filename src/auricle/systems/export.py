"""The assembled network as an ONNX model."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import onnx_ir
import onnxruntime
import torch
from torch import Tensor, nn

from auricle.core.errors import BundleError
from auricle.heads.regression import Prediction
from auricle.systems.config import SystemConfig
from auricle.systems.system import System

OUTPUTS = ("mean", "log_variance", "track", "embedding", "history")

# A hundredth of a point of a hundred.
_TOLERANCE = 1e-4


def export_onnx(system: System, config: SystemConfig) -> bytes:
    """Return the network as one ONNX file, weights embedded.

    Input `log_mel` `[batch, frame, mel]` (any number of frames, except for networks of a fixed
    length), outputs `mean` and `log_variance` `[batch]`, `track` `[batch, frame]`, `embedding`
    `[batch, 2 * feature]` and, from systems that tell it, `history` `[batch, trace, 2]`.

    Raises `BundleError` when torch and ONNX Runtime disagree by more than 1e-4.
    """
    system = system.eval()
    frames = config.segment_frames
    axes: dict[int, torch.export.Dim] = {0: torch.export.Dim("batch")}
    if not config.fixed_length:
        # Less than two embeddings' worth of frames would be another graph.
        axes[1] = torch.export.Dim("frame", min=2 * system.encoder.stride)
    example = torch.rand(2, frames, config.front_end.n_mels)
    with quiet_exporter():
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
    name_outputs(program.model.graph, OUTPUTS)
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
    names = [output.name for output in session.get_outputs()]
    answers = session.run(names, {"log_mel": log_mel.numpy()})
    with torch.no_grad():
        expected = system(log_mel)
    for name, answer, wanted in zip(names, answers, expected, strict=False):
        ours, theirs = np.asarray(answer), wanted.numpy()
        if name == "history":  # octaves matter to a tenth, logits likewise
            ours, theirs = 1e-2 * ours, 1e-2 * theirs
        if name == "log_variance":  # a sigma of ten points is to be right to a hundredth
            ours, theirs = 0.05 * ours, 0.05 * theirs
        if name == "embedding":  # whose scale is nobody's: a thousandth of its largest value
            least = 10.0 * max(1.0, float(np.max(np.abs(theirs))))
            ours, theirs = ours / least, theirs / least
        gap = float(np.max(np.abs(ours - theirs)))
        if not gap <= _TOLERANCE:
            raise BundleError(f"torch and ONNX Runtime disagree on {name} by {gap:.2g}")


class _Outputs(nn.Module):
    """A plain tuple, which the exporter names."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system

    def forward(self, log_mel: Tensor) -> tuple[Tensor, ...]:
        prediction: Prediction = self.system(log_mel)
        return tuple(prediction) if self.system.history is not None else tuple(prediction[:-1])


def name_outputs(graph: onnx_ir.Graph, names: Sequence[str]) -> None:
    """Name the outputs; the exporter itself would let an inner "mean" clash with ours.

    What it notes of source files and their folders is left out: it is nobody's business.
    """
    for node in graph:
        node.metadata_props.clear()
        for value in node.outputs:
            if value.name in names:
                value.name = f"inner_{value.name}"
    for value, name in zip(graph.outputs, names, strict=False):
        value.name = name


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
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
