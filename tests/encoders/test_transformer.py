"""WavLM, HuBERT, wav2vec 2.0 and MERT against the networks of the package transformers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import (
    HubertConfig,
    HubertModel,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2ForPreTraining,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMForXVector,
    WavLMModel,
)

from auricle.core.errors import ConfigError, SignalError
from auricle.encoders.checkpoints import Checkpoint, find_checkpoint
from auricle.encoders.transformer import (
    TransformerEncoder,
    TransformerKind,
    build_transformer,
    load_transformer,
)

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8, 8, 8],
    "conv_kernel": [10, 3, 2],
    "conv_stride": [5, 2, 2],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
BASE = {**SIZES, "feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False}
LARGE = {**SIZES, "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
NETWORKS = {
    "wavlm": (WavLMConfig, WavLMModel, "wavlm"),
    "hubert": (HubertConfig, HubertModel, "hubert"),
    "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model, "wav2vec2"),
    "mert": (HubertConfig, HubertModel, "mert_model"),
}
KINDS = [(kind, sizes) for kind in NETWORKS for sizes in (BASE, LARGE)]
# The options that the config.json of MERT-v1-95M has beside HuBERT's, and its pointer to code.
MERT = {
    "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
    "feature_extractor_cqt": False,
    "feature_extractor_cqt_bins": 336,
    "deepnorm": False,
    "attention_relax": -1.0,
}


def network(kind: str, sizes: dict[str, Any]) -> PreTrainedModel:
    torch.manual_seed(0)
    config, model, _ = NETWORKS[kind]
    made = model(config(**sizes)).eval()
    with torch.no_grad():  # so that attention, biases and normalisations are seen in the output
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return made


def save(
    folder: Path, kind: str, config: dict[str, Any], state: dict[str, torch.Tensor]
) -> Checkpoint:
    rate = 24000 if kind == "mert" else 16000
    text = json.dumps({"model_type": NETWORKS[kind][2], "architectures": ["Any"], **config})
    (folder / "config.json").write_text(text)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"sampling_rate": rate, "do_normalize": True})
    )
    save_file(
        {name: value.clone().contiguous() for name, value in state.items()},
        folder / "model.safetensors",
    )
    return find_checkpoint(folder)


def encoder(kind: TransformerKind, sizes: dict[str, Any], folder: Path) -> TransformerEncoder:
    checkpoint = save(folder, kind, sizes, network(kind, sizes).state_dict())
    return load_transformer(kind, checkpoint, licence="none")


def clips(*sizes: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [(0.1 * rng.standard_normal(size) + 0.05).astype(np.float32) for size in sizes]


@pytest.mark.parametrize(("kind", "sizes"), KINDS)
def test_layers_are_those_of_transformers(
    kind: TransformerKind, sizes: dict[str, Any], tmp_path: Path
) -> None:
    ours = encoder(kind, sizes, tmp_path)
    theirs = network(kind, sizes)
    (clip,) = clips(1000)
    samples = torch.from_numpy(ours.front_end(clip))[:, 0]
    with torch.no_grad():
        embedding = ours.embed([clip])
        output = theirs(samples.unsqueeze(0), output_hidden_states=True)
    assert embedding.values.shape == (1, 4, int(embedding.frames[0]), 16)
    wanted = [*output.hidden_states[:-1], output.last_hidden_state]
    torch.testing.assert_close(embedding.values, torch.stack(wanted, 1), atol=2e-5, rtol=1e-5)
    assert embedding.values.std() > 0.1
    assert ours.facts.features == 16
    assert ours.facts.layers == 4
    assert ours.facts.hop == 20
    assert ours.facts.sample_rate == (24000 if kind == "mert" else 16000)


@pytest.mark.parametrize(("kind", "sizes"), KINDS)
def test_a_clip_gives_the_same_alone_and_beside_others(
    kind: TransformerKind, sizes: dict[str, Any], tmp_path: Path
) -> None:
    ours = encoder(kind, sizes, tmp_path)
    batch = clips(1000, 61, 457, 1000)
    with torch.no_grad():
        together = ours.embed(batch)
        for row, clip in enumerate(batch):
            alone = ours.embed([clip])
            frames = int(alone.frames[0])
            assert int(together.frames[row]) == frames == alone.values.shape[2]
            torch.testing.assert_close(
                together.values[row, :, :frames], alone.values[0], atol=2e-5, rtol=1e-4
            )
            assert (together.values[row, :, frames:] == 0.0).all()


def test_padding_may_be_longer_than_needed(tmp_path: Path) -> None:
    ours = encoder("wavlm", BASE, tmp_path)
    prepared = torch.zeros(2, 900, 1)
    prepared[:, :500] = torch.randn(2, 500, 1)
    with torch.no_grad():
        padded = ours(prepared, torch.tensor([500, 300]))
        exact = ours(prepared[:, :500], torch.tensor([500, 300]))
    torch.testing.assert_close(padded, exact)


@pytest.mark.parametrize("steps", [55, 56, 74, 75, 76, 999])
def test_frames_are_what_the_convolutions_give(steps: int, tmp_path: Path) -> None:
    ours = encoder("hubert", BASE, tmp_path)
    counts = torch.tensor([steps])
    assert ours(torch.randn(1, steps, 1), counts).shape[2] == int(ours.frames(counts))


def test_too_short_a_clip_is_refused(tmp_path: Path) -> None:
    ours = encoder("hubert", BASE, tmp_path)
    # The first frame needs 2 of the third, (2 - 1) * 2 + 3 of the second, (5 - 1) * 5 + 10 samples.
    assert ours(torch.randn(1, 30, 1), torch.tensor([30])).shape[2] == 1
    with pytest.raises(SignalError, match="needs 30"):
        ours(torch.randn(2, 50, 1), torch.tensor([50, 29]))


@pytest.mark.parametrize("kind", NETWORKS)
def test_training_draws_nothing_but_dropout(kind: TransformerKind) -> None:
    config = {"model_type": NETWORKS[kind][2], **BASE, "layerdrop": 1.0, "mask_time_prob": 0.9}
    still = {"hidden_dropout": 0.0, "activation_dropout": 0.0, "attention_dropout": 0.0}
    ours = build_transformer(
        kind,
        {**config, **still, "feat_proj_dropout": 0.0, "mask_feature_prob": 0.9},
        sample_rate=16000,
        do_normalize=True,
        licence="none",
    )
    prepared, steps = torch.randn(2, 400, 1), torch.tensor([400, 300])
    learnt = ours.train()(prepared, steps)
    assert learnt.shape[1] == 4
    torch.testing.assert_close(learnt, ours.eval()(prepared, steps))
    # Weighted at random: a normalised embedding has a constant sum of squares.
    (learnt * torch.randn_like(learnt)).sum().backward()
    missing = [name for name, p in ours.named_parameters() if p.grad is None]
    assert missing == []


def test_frozen_convolutions_get_no_gradient(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, "hubert", BASE, network("hubert", BASE).state_dict())
    ours = load_transformer("hubert", checkpoint, licence="none", freeze_feature_encoder=True)
    ours.train()(torch.randn(1, 400, 1), torch.tensor([400])).square().sum().backward()
    frozen = {name for name, p in ours.named_parameters() if p.grad is None}
    assert frozen == {name for name, _ in ours.named_parameters() if "convolutions" in name}
    assert frozen


def test_weights_of_the_older_weight_norm_are_read(tmp_path: Path) -> None:
    # Published files name the positional convolution's weights as torch did before 2.0.
    names = {"parametrizations.weight.original0": "weight_g"}
    names["parametrizations.weight.original1"] = "weight_v"
    state = {}
    for name, value in network("wavlm", BASE).state_dict().items():
        old = next((name.replace(new, old) for new, old in names.items() if new in name), name)
        state[old] = value
    assert sum("weight_g" in name or "weight_v" in name for name in state) == 2
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old = load_transformer("wavlm", save(tmp_path / "old", "wavlm", BASE, state), licence="none")
    new = encoder("wavlm", BASE, tmp_path / "new")
    (clip,) = clips(400)
    torch.testing.assert_close(old.embed([clip]).values, new.embed([clip]).values)


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        ("wav2vec2", lambda: Wav2Vec2ForPreTraining(Wav2Vec2Config(**BASE, codevector_dim=8))),
        ("wavlm", lambda: WavLMForXVector(WavLMConfig(**BASE, tdnn_dim=[8] * 5))),
    ],
)
def test_heads_are_left_out(kind: TransformerKind, whole: Any, tmp_path: Path) -> None:
    model = whole()
    checkpoint = save(tmp_path, kind, BASE, model.state_dict())
    ours = load_transformer(kind, checkpoint, licence="none")
    base = getattr(model, NETWORKS[kind][2]).eval()
    (clip,) = clips(400)
    samples = torch.from_numpy(ours.front_end(clip))[:, 0].unsqueeze(0)
    with torch.no_grad():
        wanted = base(samples).last_hidden_state
        torch.testing.assert_close(ours.embed([clip]).values[:, -1], wanted, atol=1e-5, rtol=1e-5)


def test_mert_is_read_without_its_code(tmp_path: Path) -> None:
    state = network("mert", BASE).state_dict()
    ours = load_transformer(
        "mert", save(tmp_path, "mert", {**BASE, **MERT}, state), licence="CC-BY-NC-4.0"
    )
    assert ours.facts.licence == "CC-BY-NC-4.0"
    assert ours.facts.sample_rate == 24000
    relaxed = save(tmp_path, "mert", {**BASE, **MERT, "attention_relax": 32.0}, state)
    with pytest.raises(ConfigError, match="attention_relax"):
        load_transformer("mert", relaxed, licence="none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("encoder.layer_norm.bias"), "Missing key"),
        (lambda state: state.update({"encoder.odd": torch.ones(1)}), "Unexpected key"),
        (lambda state: state.update({"encoder.layer_norm.bias": torch.ones(3)}), "size mismatch"),
        (lambda state: state.update({"wavlm.odd": torch.ones(1)}), "another network"),
    ],
)
def test_other_weights_are_refused(change: Any, message: str, tmp_path: Path) -> None:
    state = dict(network("wavlm", BASE).state_dict())
    change(state)
    with pytest.raises(ConfigError, match=message):
        load_transformer("wavlm", save(tmp_path, "wavlm", BASE, state), licence="none")


def test_another_kind_is_refused(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, "wavlm", BASE, network("wavlm", BASE).state_dict())
    with pytest.raises(ConfigError, match="model_type 'wavlm', but hubert needs 'hubert'"):
        load_transformer("hubert", checkpoint, licence="none")


def test_an_impossible_configuration_is_refused() -> None:
    for odd in ({"conv_dim": [8]}, {"hidden_size": "wide"}, {"hidden_size": 15}):
        with pytest.raises(ConfigError, match="no hubert network"):
            build_transformer(
                "hubert",
                {"model_type": "hubert", **BASE, **odd},
                sample_rate=16000,
                do_normalize=True,
                licence="none",
            )


def test_the_preprocessing_has_to_be_known(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, "wavlm", BASE, network("wavlm", BASE).state_dict())
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(ConfigError, match=r"preprocessor_config.json"):
        load_transformer("wavlm", checkpoint, licence="none")
    ours = load_transformer(
        "wavlm", checkpoint, licence="none", sample_rate=16000, do_normalize=False
    )
    assert ours.front_end.do_normalize is False
    assert ours.facts.sha256 == checkpoint.sha256
