import pytest
import torch

from auricle.core.errors import ConfigError
from auricle.encoders.layers import LayerChoice, LayerWeighting

EMBEDDING = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))


def test_layers_count_alike_at_first() -> None:
    weighted = LayerWeighting(3)(EMBEDDING)
    torch.testing.assert_close(weighted, EMBEDDING.mean(dim=1, keepdim=True))


def test_a_dominant_weight_chooses_its_layer() -> None:
    weighting = LayerWeighting(3)
    with torch.no_grad():
        weighting.logits[1] = 100.0
    torch.testing.assert_close(weighting(EMBEDDING), LayerChoice(1, 3)(EMBEDDING))
    assert weighting.weights.sum().item() == pytest.approx(1.0)


def test_every_layers_weight_learns() -> None:
    weighting = LayerWeighting(3)
    weighting(EMBEDDING).square().sum().backward()
    assert (weighting.logits.grad.abs() > 1e-6).all()


def test_normalised_layers_count_alike_however_loud() -> None:
    weighting = LayerWeighting(3, normalise=True)
    louder = EMBEDDING * torch.tensor([1.0, 100.0, 1.0])[:, None, None]
    torch.testing.assert_close(weighting(louder), weighting(EMBEDDING), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(LayerWeighting(3)(louder), LayerWeighting(3)(EMBEDDING), atol=1.0)


def test_padding_stays_zero() -> None:
    padded = EMBEDDING.clone()
    padded[0, :, 3:] = 0.0
    assert (LayerWeighting(3, normalise=True)(padded)[0, :, 3:] == 0.0).all()


def test_a_negative_layer_counts_from_the_last() -> None:
    torch.testing.assert_close(LayerChoice(-1, 3)(EMBEDDING), EMBEDDING[:, 2:])


def test_layers_that_are_not_there_are_refused() -> None:
    for layer in (3, -4):
        with pytest.raises(ConfigError, match="no layer"):
            LayerChoice(layer, 3)
    with pytest.raises(ConfigError):
        LayerWeighting(0)
    with pytest.raises(ConfigError, match="gives 3"):
        LayerWeighting(2)(EMBEDDING)
