import pytest
import torch

from auricle.core.errors import ConfigError
from auricle.systems.encoders import build_encoder
from auricle.systems.fusion_config import EncoderSource

SOURCE = EncoderSource(
    kind="whisper",
    settings={
        "model_type": "whisper",
        "d_model": 16,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "num_mel_bins": 80,
        "max_source_positions": 1500,
    },
)


def test_one_layer_is_what_the_whole_encoder_has_there() -> None:
    torch.manual_seed(0)
    whole = build_encoder(SOURCE).eval()
    one = build_encoder(SOURCE.model_copy(update={"layer": 1})).eval()
    one.load_state_dict({f"encoder.{name}": value for name, value in whole.state_dict().items()})
    rng = torch.Generator().manual_seed(0)
    clips = [torch.randn(length, generator=rng).numpy() for length in (8000, 16000)]
    found, wanted = one.embed(clips), whole.embed(clips)
    assert (one.facts.layers, whole.facts.layers) == (1, 3)
    torch.testing.assert_close(found.values, wanted.values[:, 1:2])
    torch.testing.assert_close(found.frames, wanted.frames)


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="no layer 3: the last one is 2"):
        build_encoder(SOURCE.model_copy(update={"layer": 3}))
