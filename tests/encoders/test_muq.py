import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.encoders.drawn import draw_music, draw_weights

from auricle.core.errors import ConfigError
from auricle.encoders.muq import Muq, MuqConfig, load_muq

GOLDEN = Path(__file__).parents[1] / "golden" / "encoders" / "muq.json"
INVERSE_FREQUENCIES = "model.conformer.embed_positions.inv_freq"


@pytest.fixture(scope="module")
def golden() -> Any:
    return json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
def state(golden: Any) -> dict[str, torch.Tensor]:
    """A tiny file of weights by all the names of the published one."""
    drawn = draw_weights(golden["shapes"], 11)
    state = {name: torch.from_numpy(np.asarray(values)) for name, values in drawn.items()}
    blocks = golden["config"]["w2v2_config"]
    width = golden["config"]["encoder_dim"] // blocks["num_attention_heads"]
    state[INVERSE_FREQUENCIES] = 1.0 / 10000.0 ** (torch.arange(0, width, 2) / width)
    return state


@pytest.fixture(scope="module")
def weights(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("muq") / "model.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def muq(golden: Any, weights: Path) -> Muq:
    return load_muq(golden["config"], weights, "aa00")


@pytest.mark.parametrize("rate", [25, 50])
def test_hidden_states_are_those_of_the_published_code(
    golden: Any, weights: Path, rate: int
) -> None:
    muq = load_muq(golden["config"] | {"label_rate": rate}, weights)
    with torch.no_grad():
        embedding = muq.embed([draw_music(0.63, 24000, 3)])
    expected = torch.tensor(golden["hidden_states"][str(rate)])
    assert embedding.frames.tolist() == [expected.shape[1]]
    torch.testing.assert_close(embedding.values[0], expected, atol=1e-4, rtol=0.0)


def test_a_pickled_file_of_the_same_tensors_loads_too(
    golden: Any, state: dict[str, torch.Tensor], muq: Muq, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "pytorch_model.bin")
    pickled = load_muq(golden["config"], tmp_path / "pytorch_model.bin").state_dict()
    assert all(torch.equal(value, pickled[name]) for name, value in muq.state_dict().items())


def test_facts_are_those_of_the_configuration(golden: Any, muq: Muq) -> None:
    facts = muq.facts
    assert (facts.sample_rate, facts.hop, facts.layers, facts.features) == (24000, 960, 3, 12)
    assert facts.sha256 == "aa00"
    with torch.device("meta"):
        large = Muq(MuqConfig.model_validate(published(golden)))
    assert (large.facts.layers, large.facts.features) == (13, 1024)
    # As counted from the reference implementation of that size, less what is left out.
    assert sum(parameter.numel() for parameter in large.parameters()) == 316_343_296


def published(golden: Any) -> dict[str, Any]:
    """The sizes of OpenMuQ/MuQ-large-msd-iter."""
    blocks = {"conv_depthwise_kernel_size": 31, "intermediate_size": 4096}
    blocks |= {"num_attention_heads": 16}
    sizes = {"conv_dim": 512, "encoder_dim": 1024, "encoder_depth": 12}
    return golden["config"] | sizes | {"w2v2_config": golden["config"]["w2v2_config"] | blocks}


@torch.no_grad()
def test_a_batch_of_unequal_lengths_equals_one_by_one(muq: Muq) -> None:
    clips = [draw_music(seconds, 24000, seed) for seed, seconds in enumerate((0.7, 0.05, 0.33))]
    together = muq.embed(clips)
    for number, clip in enumerate(clips):
        alone = muq.embed([clip])
        count = int(alone.frames[0])
        assert together.frames[number] == count == alone.values.shape[2]
        torch.testing.assert_close(
            together.values[number, :, :count], alone.values[0], atol=1e-4, rtol=0.0
        )
        assert not together.values[number, :, count:].any()


@pytest.mark.parametrize("steps", [4, 5, 8, 9, 63])
def test_frames_are_as_many_as_come_out(golden: Any, weights: Path, steps: int) -> None:
    for rate in (25, 50):
        muq = load_muq(golden["config"] | {"label_rate": rate}, weights)
        counted = int(muq.frames(torch.tensor([steps]))[0])
        assert muq(torch.zeros(1, steps, 128), torch.tensor([steps])).shape[2] == counted


def test_training_mode_leaves_statistics_alone_and_reaches_every_parameter(muq: Muq) -> None:
    clip = torch.randn(2, 20, 128)
    steps = torch.tensor([20, 20])
    with torch.no_grad():
        before = muq(clip, steps)
        torch.testing.assert_close(muq.train()(clip, steps), before)
    muq(clip, steps).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in muq.parameters())
    muq.zero_grad()
    muq.eval()


def test_another_configuration_is_refused(golden: Any, weights: Path) -> None:
    blocks = golden["config"]["w2v2_config"]
    relative = golden["config"] | {"w2v2_config": blocks | {"position_embeddings_type": "relative"}}
    with pytest.raises(ConfigError, match="position_embeddings_type"):
        load_muq(relative, weights)
    with pytest.raises(ConfigError, match="5 heads"):
        load_muq(golden["config"] | {"w2v2_config": blocks | {"num_attention_heads": 5}}, weights)
    even = blocks | {"conv_depthwise_kernel_size": 8}
    with pytest.raises(ConfigError, match="odd"):
        load_muq(golden["config"] | {"w2v2_config": even}, weights)
    with pytest.raises(ConfigError, match="w2v2_config"):
        load_muq({"model_type": "hubert"}, weights)
    with pytest.raises(ConfigError, match="not those of Muq"):
        load_muq(golden["config"] | {"encoder_depth": 3}, weights)


def test_weights_that_do_not_fit_are_refused(
    golden: Any, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    missing = {name: value for name, value in state.items() if "linear_q" not in name}
    save_file(missing, path)
    with pytest.raises(ConfigError, match="linear_q"):
        load_muq(golden["config"], path)
    save_file(state | {"model.stranger": torch.zeros(1)}, path)
    with pytest.raises(ConfigError, match="stranger"):
        load_muq(golden["config"], path)
