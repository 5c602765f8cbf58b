"""The network of a system that judges by distance, as an ONNX model."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as problems
from torch import Tensor, nn

from auricle.core.audio import Samples
from auricle.core.errors import BundleError
from auricle.systems.distance import DistanceNetwork, merge_adapters
from auricle.systems.distance_config import DistanceConfig
from auricle.systems.export import name_outputs, quiet_exporter

# Of the embeddings' own length. A distance of a hundredth of it is then right to a hundredth.
_TOLERANCE = 1e-4


def export_distance(network: DistanceNetwork, config: DistanceConfig) -> bytes:
    """Return the network as one ONNX file, weights embedded and adapters merged.

    Input is the front end's output of one clip without padding, `prepared` `[1, step, channel]`,
    output `embeddings` `[window, size]`. One clip at a time: files run side by side, each on one
    thread, so nothing is won by a batch, and not every encoder could be exported with one.

    `config` is the resolved one. Raises `BundleError` when torch cannot export it, or ONNX Runtime
    gives other embeddings.
    """
    merged = merge_adapters(network, config)
    noise = np.random.default_rng(0).normal(0.0, 0.1, config.segment_samples).astype(np.float32)
    shortest = round(config.shortest * config.sample_rate)
    lengths = {noise.size, noise.size // 2, noise.size // 3 + 1, min(shortest, noise.size)}
    feeds = [_prepare(merged, noise[:length]) for length in sorted(lengths, reverse=True)]
    try:
        with quiet_exporter():
            program = torch.onnx.export(
                _OneClip(merged),
                (feeds[0],),
                dynamo=True,
                input_names=["prepared"],
                # What range of lengths the network allows is for the exporter to find out.
                dynamic_shapes=({1: torch.export.Dim.AUTO},),
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise BundleError(f"torch cannot export this system: {error}") from error
    if program is None:
        raise BundleError("torch did not return an ONNX model")
    name_outputs(program.model.graph, ("embeddings",))
    model: bytes = program.model_proto.SerializeToString()
    for feed in feeds:
        _check(merged, model, feed)
    return model


class _OneClip(nn.Module):
    """A clip without padding: all of its steps and windows are real."""

    def __init__(self, network: DistanceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, prepared: Tensor) -> Tensor:
        steps = torch.full((1,), prepared.shape[1])
        embeddings: Tensor = self.network(prepared, steps)
        return embeddings.squeeze(0)


def _prepare(network: DistanceNetwork, samples: Samples) -> Tensor:
    return torch.from_numpy(network.encoder.front_end(samples)).unsqueeze(0)


def _check(network: DistanceNetwork, model: bytes, prepared: Tensor) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    try:
        (found,) = session.run(["embeddings"], {"prepared": prepared.numpy()})
    except (problems.Fail, problems.InvalidArgument, problems.RuntimeException) as error:
        raise BundleError(f"the exported model does not run at every length: {error}") from error
    with torch.no_grad():
        wanted = network(prepared, torch.tensor([prepared.shape[1]]))[0].numpy()
    if found.shape != wanted.shape:
        raise BundleError(f"ONNX Runtime gives {found.shape} embeddings, torch {wanted.shape}")
    gap = np.linalg.norm(found - wanted, axis=1).max() / np.linalg.norm(wanted, axis=1).max()
    if not gap <= _TOLERANCE:
        raise BundleError(f"torch and ONNX Runtime disagree by {gap:.2g} of the embeddings")
