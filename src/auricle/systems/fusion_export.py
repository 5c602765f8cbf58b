"""A fused system as an ONNX model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as problems
from torch import Tensor, nn

from auricle.core.audio import Samples
from auricle.core.errors import BundleError
from auricle.systems.export import name_outputs, quiet_exporter
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import FusionConfig
from auricle.systems.fusion_front_end import FusionFrontEnd

# Of an axis' scale: a hundredth of a point of a hundred.
_TOLERANCE = 1e-4


def export_fusion(fusion: Fusion, config: FusionConfig) -> bytes:
    """Return a fused system as one ONNX file, weights embedded.

    Inputs are the front ends' outputs by encoder, `[1, step, channel]`, and `bins` `[bin]`, ones as
    many as the clip has embeddings; the output is `ratings` `[member, axis]` and, if all members
    know the covariance of their errors, its `factors` `[member, axis, axis]`.

    Raises `BundleError` when torch cannot export it, or ONNX Runtime gives other ratings.
    """
    fusion = fusion.eval()
    encoders = fusion.by_name.items()
    front_end = FusionFrontEnd(config, {name: encoder.front_end for name, encoder in encoders})
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 0.1, config.segment_samples).astype(np.float32)
    whole, part = (_feed(front_end, config, clip) for clip in (noise, noise[: noise.size // 3]))
    # What ranges of lengths the networks allow is for the exporter to find out.
    shapes = (*({1: torch.export.Dim.AUTO} for _ in encoders), {0: torch.export.Dim.AUTO})
    try:
        with quiet_exporter():
            program = torch.onnx.export(
                _Ordered(fusion, list(whole)[:-1]),
                tuple(whole.values()),
                dynamo=True,
                input_names=list(whole),
                dynamic_shapes={"tensors": shapes},
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise BundleError(f"torch cannot export this system: {error}") from error
    if program is None:
        raise BundleError("torch did not return an ONNX model")
    name_outputs(program.model.graph, _outputs(config))
    model: bytes = program.model_proto.SerializeToString()
    for feed in (whole, part):
        _check(fusion, config, model, feed)
    return model


class _Ordered(nn.Module):
    """Tensors in a row, as the exporter wants them."""

    def __init__(self, fusion: Fusion, names: Sequence[str]) -> None:
        super().__init__()
        self.fusion = fusion
        self.names = names

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        *prepared, bins = tensors
        answer: tuple[Tensor, ...] = self.fusion(dict(zip(self.names, prepared, strict=True)), bins)
        return answer[: len(_outputs(self.fusion))]


def _outputs(system: Fusion | FusionConfig) -> tuple[str, ...]:
    return ("ratings", "factors") if system.tells_covariance else ("ratings",)


def _feed(front_end: FusionFrontEnd, config: FusionConfig, samples: Samples) -> dict[str, Tensor]:
    prepared = front_end(samples).items()
    feed = {name: torch.from_numpy(values).unsqueeze(0) for name, values in prepared}
    return feed | {"bins": torch.ones(config.bins(samples.size))}


def _check(fusion: Fusion, config: FusionConfig, model: bytes, feed: dict[str, Tensor]) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    try:
        answer = session.run(
            _outputs(config), {name: value.numpy() for name, value in feed.items()}
        )
    except (problems.Fail, problems.InvalidArgument, problems.RuntimeException) as error:
        raise BundleError(f"the exported model does not run at every length: {error}") from error
    *names, _ = feed
    with torch.no_grad():
        wanted = fusion({name: feed[name] for name in names}, feed["bins"])
    # Rows of a factor are on their axis' scale, as its columns of ratings are.
    span = np.array([axis.span for axis in config.axes])
    for ours, theirs, unit in zip(wanted, answer, (span, span[:, None]), strict=False):
        gap = (np.abs(theirs - ours.numpy()) / unit).max()
        if not gap <= _TOLERANCE:
            raise BundleError(f"torch and ONNX Runtime disagree by {gap:.2g} of the scale")
