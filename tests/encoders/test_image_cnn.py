"""The networks that see a spectrogram as an image: layers, weights from elsewhere, what learns."""

import hashlib
import io
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn

from auricle.core.errors import ConfigError
from auricle.encoders import image_weights
from auricle.encoders.image_cnn import ImageCnn, Trunk
from auricle.encoders.image_weights import cache_folder, load_trunk
from auricle.encoders.inception import Inception
from auricle.encoders.vgg import Vgg
from auricle.heads.pooling import FlattenPooling
from auricle.heads.regression import RegressionHead
from auricle.systems.config import SystemConfig
from auricle.systems.export import export_onnx
from auricle.systems.system import System, build_system, start_system
from auricle.training.recipe import load_recipe

CONVOLUTION = 3 * 121 + 3
HEAD = 1000 * 256 + 256 + 256 * 128 + 128 + 128 + 1


class Small(Trunk):
    """A trunk of two features with all that the large ones have."""

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                features=nn.Conv2d(3, 2, 3),
                normalisation=nn.BatchNorm2d(2),
                dropout=nn.Dropout(0.5),
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
            )
        )
        self.size = 2
        self.published = "small-00000000.pth"
        self.left_out = ("Auxiliary.",)


class Seen(Trunk):
    """A trunk that keeps the image."""

    def __init__(self) -> None:
        super().__init__(OrderedDict())
        self.size = 0

    def forward(self, image: Tensor) -> Tensor:
        self.image = image
        return image.new_zeros(len(image), 0)


def on_paper(config: SystemConfig) -> System:
    with torch.device("meta"):
        return build_system(config)


def count(module: nn.Module, *, trained: bool = False) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trained)


@pytest.mark.parametrize(
    ("recipe", "overrides", "trunk"),
    [
        ("codec-vgg19", [], 143_667_240),
        ("codec-vgg19", ["system.encoder.depth=16"], 138_357_544),
        ("codec-inception", [], 23_834_568),
    ],
)
def test_counts_are_those_of_the_published_networks(
    recipe: str, overrides: list[str], trunk: int
) -> None:
    # What torchvision's documentation states of its models, without Inception's auxiliary layers.
    system = on_paper(load_recipe(recipe, overrides).system)
    assert count(system) == trunk + CONVOLUTION + HEAD
    assert count(system, trained=True) == CONVOLUTION + HEAD == 366 + 289_281
    assert system(torch.zeros(2, 1876, 256, device="meta")).mean.shape == (2,)


def test_without_classes_the_last_feature_maps_are_averaged() -> None:
    with torch.device("meta"):
        vgg, inception = Vgg(16, classes=False), Inception(classes=False)
    image = torch.zeros(1, 3, 224, 224, device="meta")
    assert (vgg(image).shape, inception(image).shape) == ((1, 512), (1, 2048))
    assert count(vgg) == 14_714_688
    assert count(inception) == 23_834_568 - 2048 * 1000 - 1000


def test_vgg_has_the_names_of_the_public_files() -> None:
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in Vgg(19).state_dict().items()}
    layers = {int(name.split(".")[1]) for name in shapes if name.startswith("features")}
    assert sorted(layers) == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert shapes["features.0.weight"] == (64, 3, 3, 3)
    assert shapes["features.34.bias"] == (512,)
    assert shapes["classifier.0.weight"] == (4096, 25088)
    assert shapes["classifier.3.weight"] == (4096, 4096)
    assert shapes["classifier.6.weight"] == (1000, 4096)
    assert len(shapes) == 2 * 19


def test_inception_has_the_names_of_the_public_file() -> None:
    with torch.device("meta"):
        state = Inception().state_dict()
    table = "\n".join(f"{name} {tuple(value.shape)}" for name, value in sorted(state.items()))
    # The names and shapes of timm 1.0.31's `inception_v3`, which takes torchvision's file, without
    # AuxLogits; the two also gave the same outputs, bit for bit, for the same random weights.
    digest = "fafa3415657058129e4a7af77948625b3355ed5914dedf6216076dd4be883d60"
    assert hashlib.sha256(table.encode()).hexdigest() == digest
    assert len(state) == 566


def test_the_image_is_the_paper_s() -> None:
    encoder = ImageCnn(trunk := Seen())
    shapes = []
    encoder.colours.register_forward_hook(lambda _layer, _input, out: shapes.append(out.shape[1:]))
    encoder(torch.rand(2, 1876, 256))
    assert shapes == [(3, 1866, 246)]
    assert trunk.image.shape == (2, 3, 224, 224)
    assert trunk.image.min() >= 0.0


def test_the_image_is_resized_between_half_pixel_centres() -> None:
    # As Keras does: two neighbours per axis, no smoothing before.
    encoder = ImageCnn(trunk := Seen())
    with torch.no_grad():
        encoder.colours.weight.zero_()[:, 0, 5, 5] = 1.0
        log_mel = torch.rand(1, 1876, 256, generator=torch.Generator().manual_seed(0))
        encoder(log_mel)
    expected = log_mel[0, 5:-5, 5:-5].numpy().astype(np.float64)
    for axis in (0, 1):
        size = expected.shape[axis]
        places = (np.arange(224) + 0.5) * size / 224 - 0.5
        expected = np.apply_along_axis(
            lambda line, places=places: np.interp(places, np.arange(line.size), line),
            axis, expected,
        )  # fmt: skip
    np.testing.assert_allclose(trunk.image[0, 1].numpy(), expected, atol=1e-3)


@pytest.fixture(scope="module")
def inception() -> System:
    torch.manual_seed(0)
    return start_system(load_recipe("codec-inception", ["system.encoder.weights=null"]).system)


def test_only_the_convolution_and_the_head_learn(inception: System) -> None:
    before = {name: value.clone() for name, value in inception.state_dict().items()}
    optimiser = torch.optim.AdamW(inception.parameters(), lr=1e-3, weight_decay=0.1)
    prediction = inception.train()(torch.rand(2, 1876, 256))
    prediction.mean.square().sum().backward()
    for name, parameter in inception.named_parameters():
        if name.startswith("encoder.trunk."):
            assert parameter.grad is None, name
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
    optimiser.step()
    after = inception.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    heads = {f"head.layers.{layer}.{kind}" for layer in (0, 2, 3) for kind in ("weight", "bias")}
    assert changed == {"encoder.colours.weight", "encoder.colours.bias"} | heads


def test_training_leaves_the_trunk_in_evaluation_mode(inception: System) -> None:
    inception.eval().train()
    assert inception.training
    assert inception.encoder.training
    assert not any(module.training for module in inception.encoder.trunk.modules())
    log_mel = torch.rand(1, 1876, 256)
    torch.testing.assert_close(inception.encoder(log_mel), inception.encoder(log_mel))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_random_trunks_let_signal_and_gradient_through(precision: torch.dtype) -> None:
    torch.manual_seed(0)
    encoder = ImageCnn(Vgg(16, classes=False)).train()
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        embedding = encoder(torch.rand(2, 1876, 256)).float()
    embedding.std().backward()
    assert 1e-3 < embedding.std() < 1e3
    assert encoder.colours.weight.grad is not None
    assert encoder.colours.weight.grad.abs().max() > 1e-3


def test_the_network_becomes_onnx() -> None:
    config = load_recipe("codec-inception").system
    torch.manual_seed(0)
    system = System(ImageCnn(Small()), FlattenPooling(), RegressionHead(2, (4,))).eval()
    session = onnxruntime.InferenceSession(export_onnx(system, config))
    log_mel = torch.rand(2, config.segment_frames, config.front_end.n_mels)
    mean = session.run(["mean"], {"log_mel": log_mel.numpy()})[0]
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(mean), system(log_mel).mean)


@pytest.fixture
def trained() -> Small:
    torch.manual_seed(1)
    trunk = Small()
    nn.init.uniform_(trunk.get_submodule("normalisation").running_var)
    return trunk


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a public address with nothing behind it."""
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "public").mkdir()
    monkeypatch.setattr(image_weights, "PUBLIC_ADDRESS", f"{(tmp_path / 'public').as_uri()}/")
    return tmp_path / "cache"


def publish(trunk: Small, folder: Path, name: str | None = None) -> str:
    """Write a trunk's weights to a folder as the public file of its kind; return the name."""
    content = io.BytesIO()
    torch.save(trunk.state_dict(), content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    name = name or f"small-{digest[:8]}.pth"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.getvalue())
    return name


def assert_same(one: nn.Module, other: nn.Module) -> None:
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_published_weights_are_fetched_once(cache: Path, trained: Small) -> None:
    trunk = Small()
    trunk.published = publish(trained, cache.parent / "public")
    load_trunk(trunk, "imagenet")
    assert_same(trunk, trained)
    assert [path.name for path in cache.iterdir()] == [trunk.published]
    (cache.parent / "public" / trunk.published).unlink()
    load_trunk(trunk, "imagenet")


def test_damage_on_the_way_is_noticed(cache: Path, trained: Small) -> None:
    trunk = Small()
    publish(trained, cache.parent / "public", trunk.published)
    with pytest.raises(ConfigError, match="is not the public small-00000000"):
        load_trunk(trunk, "imagenet")
    assert list(cache.iterdir()) == []


def test_a_damaged_copy_is_not_used(cache: Path, trained: Small) -> None:
    trunk = Small()
    publish(trained, cache, trunk.published)
    with pytest.raises(ConfigError, match="delete it"):
        load_trunk(trunk, "imagenet")


def test_offline_it_says_which_file_goes_where(cache: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_trunk(Small(), "imagenet")
    assert f"copy that file to {cache / 'small-00000000.pth'}" in str(error.value)
    assert "system.encoder.weights" in str(error.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_may_be_a_file(tmp_path: Path, trained: Small, suffix: str) -> None:
    path = tmp_path / f"own{suffix}"
    # Public files hold parts that the trunk lacks; older ones count no batches.
    state = {n: v for n, v in trained.state_dict().items() if "num_batches" not in n}
    state["Auxiliary.weight"] = torch.zeros(1)
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    load_trunk(trunk := Small(), str(path))
    assert_same(trunk, trained)


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_weights_fit_strictly(tmp_path: Path, trained: Small, change: str) -> None:
    state = trained.state_dict()
    if change == "missing":
        del state["features.bias"]
    elif change == "unexpected":
        state["features.surprise"] = torch.zeros(1)
    else:
        state["features.bias"] = torch.zeros(3)
    torch.save(state, path := tmp_path / "own.pth")
    with pytest.raises(ConfigError, match=r"own\.pth does not fit Small"):
        load_trunk(Small(), str(path))


def test_what_is_no_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no weights at"):
        load_trunk(Small(), str(tmp_path / "none.pth"))
    for name in ("bad.pth", "bad.safetensors"):
        (tmp_path / name).write_bytes(b"neither of them")
        with pytest.raises(ConfigError, match="damaged"):
            load_trunk(Small(), str(tmp_path / name))
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="something else than named tensors"):
        load_trunk(Small(), str(tmp_path / "other.pth"))


def test_the_cache_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AURICLE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "auricle"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "auricle"


def test_a_training_begins_with_the_weights_it_names(tmp_path: Path) -> None:
    torch.manual_seed(2)
    source = Vgg(16, classes=False)
    save_file(source.state_dict(), path := tmp_path / "own.safetensors")
    config = load_recipe(
        "codec-vgg19",
        [f"system.encoder={{kind: vgg, depth: 16, classes: false, weights: {path}}}"],
    ).system
    system = start_system(config)
    assert_same(system.encoder.trunk, source)
    path.unlink()
    # A bundle brings its own weights: whoever loads one needs no other file.
    build_system(config).load_state_dict(system.state_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"pooling": {"kind": "mean"}},
        {"encoder": {"kind": "vgg", "depth": 17}},
        {"encoder": {"kind": "inception", "depth": 16}},
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    config = load_recipe("codec-vgg19").system
    with pytest.raises(ValidationError):
        SystemConfig.model_validate(config.model_dump() | change)


def test_the_recipes_are_the_paper_s() -> None:
    for name, batch in (("codec-vgg19", 32), ("codec-inception", 64)):
        recipe = load_recipe(name)
        assert recipe.batch_size == batch
        assert recipe.system.encoder.model_dump()["weights"] == "imagenet"
        assert recipe.system.head.dropout == 0.0
        assert SystemConfig.model_validate_json(recipe.system.model_dump_json()) == recipe.system
