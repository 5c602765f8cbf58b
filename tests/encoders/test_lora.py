"""LoRA on every architecture, on layers whose weight is handed to a function, and by hand."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import WavLMConfig, WavLMModel

from auricle.core.errors import ConfigError
from auricle.encoders.lora import add_lora, merged_state, trainable_share
from auricle.encoders.m2d import M2d, M2dConfig
from auricle.encoders.muq import Muq, MuqConfig
from auricle.encoders.transformer import TransformerKind, build_transformer
from auricle.encoders.waveform import WaveformEncoder
from auricle.encoders.whisper import build_whisper

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8, 8],
    "conv_kernel": [10, 3],
    "conv_stride": [5, 2],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
}


def transformer(kind: TransformerKind, model_type: str) -> WaveformEncoder:
    return build_transformer(
        kind,
        {"model_type": model_type, **SIZES},
        sample_rate=16000,
        do_normalize=True,
        licence="none",
    )


def whisper() -> WaveformEncoder:
    sizes = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2}
    config = {"model_type": "whisper", "encoder_ffn_dim": 32, **sizes}
    return build_whisper(config, licence="none")


def muq() -> WaveformEncoder:
    blocks: dict[str, Any] = {"intermediate_size": 32, "num_attention_heads": 2}
    blocks |= {"conv_depthwise_kernel_size": 3, "position_embeddings_type": "rotary"}
    sizes = {"conv_dim": 8, "encoder_dim": 16, "encoder_depth": 2}
    statistics = {"melspec_2048_mean": 0.0, "melspec_2048_std": 1.0}
    return Muq(MuqConfig.model_validate({**sizes, "stat": statistics, "w2v2_config": blocks}))


class RawWavLm(nn.Module):
    """The network of transformers as it is, which hands its weights to a function of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.network = WavLMModel(WavLMConfig(**SIZES, layerdrop=0.0, apply_spec_augment=False))

    def forward(self, prepared: Tensor, _steps: Tensor) -> Tensor:
        output: Tensor = self.network(prepared[..., 0]).last_hidden_state
        return output


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "wavlm": lambda: transformer("wavlm", "wavlm"),
    "hubert": lambda: transformer("hubert", "hubert"),
    "wav2vec2": lambda: transformer("wav2vec2", "wav2vec2"),
    "mert": lambda: transformer("mert", "mert_model"),
    "whisper": whisper,
    "m2d": lambda: M2d(M2dConfig(embed_dim=16, depth=2, num_heads=2)),
    "muq": muq,
    "raw wavlm": RawWavLm,
}
TARGETS = ["q_proj", "v_proj", "out_proj"]
OTHER_TARGETS = {"m2d": ["qkv", "proj"], "muq": ["linear_q", "linear_v", "linear_out"]}
BANDS = {"whisper": 80, "m2d": 80, "muq": 128}


@dataclass(frozen=True)
class Case:
    """A network, the layers to adapt, and a fixed input for it."""

    network: nn.Module
    targets: list[str]
    bands: int

    def run(self, network: nn.Module) -> Tensor:
        prepared = torch.randn(2, 300, self.bands, generator=torch.Generator().manual_seed(1))
        output: Tensor = network(prepared, torch.tensor([300, 300]))
        return output


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> Case:
    torch.manual_seed(0)
    name = request.param
    targets = OTHER_TARGETS.get(name, TARGETS)
    return Case(NETWORKS[name]().eval(), targets, BANDS.get(name, 1))


def stir(network: nn.Module) -> None:
    """Give the adapters something to say, as training would."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("up"):
                parameter.normal_(0.0, 0.5)


def test_every_adapter_learns_and_nothing_else_does(case: Case) -> None:
    network, before = case.network, case.run(case.network)
    names = add_lora(network, 2, 4.0, case.targets)
    assert len(names) == 2 * len(case.targets)
    torch.testing.assert_close(case.run(network), before, atol=1e-6, rtol=1e-5)
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    prefix = "parametrizations.weight.0"
    assert learning == {f"{name}.{prefix}.{part}" for name in names for part in ("up", "down")}
    stir(network)
    output = case.run(network)
    (output * torch.randn_like(output)).sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 1e-7, name
        else:
            assert parameter.grad is None, name


def test_every_adapter_changes_the_output(case: Case) -> None:
    network, before = case.network, case.run(case.network)
    for name in add_lora(network, 1, 1.0, case.targets):
        layer: Any = network.get_submodule(name)
        adapter = layer.parametrizations.weight[0]
        with torch.no_grad():
            adapter.up.normal_()  # a constant would be taken off by normalisation
            assert (case.run(network) - before).abs().max() > 1e-5, name
            adapter.up.zero_()


def test_merged_adapters_give_what_they_gave(case: Case) -> None:
    network, plain = case.network, copy.deepcopy(case.network)
    before = case.run(plain)
    add_lora(network, 2, 4.0, case.targets)
    stir(network)
    adapted = case.run(network)
    plain.load_state_dict(merged_state(network), strict=True)
    torch.testing.assert_close(case.run(plain), adapted, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(adapted, before, atol=1e-3)
    # The adapted network is as it was.
    torch.testing.assert_close(case.run(network), adapted, atol=0.0, rtol=0.0)
    assert trainable_share(network) > 0.0


def test_adapters_move_to_another_copy(case: Case) -> None:
    network, other = case.network, copy.deepcopy(case.network)
    for one in (network, other):
        add_lora(one, 2, 4.0, case.targets)
    stir(network)
    learned = {name for name, p in network.named_parameters() if p.requires_grad}
    state = {name: value for name, value in network.state_dict().items() if name in learned}
    assert len(state) == 2 * 2 * len(case.targets)
    missing, unexpected = other.load_state_dict(state, strict=False)
    assert not unexpected
    assert not learned & set(missing)
    torch.testing.assert_close(case.run(other), case.run(network))


def test_the_weight_is_that_of_the_paper() -> None:
    layer = nn.Sequential(nn.Linear(5, 3))
    base = layer[0].weight.detach().clone()
    assert add_lora(layer, 2, 6.0, ["0"]) == ["0"]
    stir(layer)
    state = {name.rpartition(".")[2]: value for name, value in layer.state_dict().items()}
    wanted = base + 6.0 / 2 * state["up"] @ state["down"]
    torch.testing.assert_close(layer[0].weight, wanted)
    assert trainable_share(layer) == (2 * 5 + 3 * 2) / (15 + 3 + 2 * 5 + 3 * 2)


def test_dropout_acts_in_training_only_and_not_on_merging() -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(64, 3))
    add_lora(layer, 2, 2.0, ["0"], dropout=0.5)
    stir(layer)
    expected = layer.eval()[0].weight.detach().clone()
    torch.testing.assert_close(layer[0].weight, expected, atol=0.0, rtol=0.0)
    drawn = torch.stack([layer.train()[0].weight.detach() for _ in range(400)])
    assert drawn.std(dim=0).max() > 0.01
    torch.testing.assert_close(drawn.mean(dim=0), expected, atol=0.2, rtol=0.0)
    torch.testing.assert_close(merged_state(layer)["0.weight"], expected)


def test_targets_are_ends_of_names() -> None:
    network = nn.ModuleDict(
        {
            "first": nn.ModuleDict({"proj": nn.Linear(2, 2), "q_proj": nn.Linear(2, 2)}),
            "second": nn.ModuleDict({"proj": nn.Linear(2, 2)}),
        }
    )
    names = copy.deepcopy(network)
    assert add_lora(names, 1, 1.0, ["proj"]) == ["first.proj", "second.proj"]
    assert add_lora(network, 1, 1.0, ["second.proj"]) == ["second.proj"]
    with pytest.raises(ConfigError, match="parametrized already"):
        add_lora(network, 1, 1.0, ["proj"])


@pytest.mark.parametrize(
    ("rank", "alpha", "targets", "dropout"),
    [
        (0, 1.0, ["0"], 0.0),
        (1, 0.0, ["0"], 0.0),
        (1, 1.0, ["0"], 1.0),
        (1, 1.0, ["0", "odd"], 0.0),
        (1, 1.0, ["1"], 0.0),
        (1, 1.0, [], 0.0),
    ],
)
def test_what_cannot_be_adapted_is_refused(
    rank: int, alpha: float, targets: list[str], dropout: float
) -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    with pytest.raises(ConfigError):
        add_lora(network, rank, alpha, targets, dropout)
    assert all(parameter.requires_grad for parameter in network.parameters())
