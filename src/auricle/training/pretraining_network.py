"""The network that is pretrained, and gradients of batches larger than memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from auricle.encoders.base import Encoder
from auricle.heads.pooling import MeanPooling
from auricle.systems.system import build_spectrogram_encoder
from auricle.training.pretraining_recipe import PretrainingRecipe, ProjectionConfig


class ContrastiveNetwork(nn.Module):
    """An encoder, mean and deviation of its frames, and a projection to what is compared.

    >>> from auricle.encoders.residual_cnn import ResidualCnn
    >>> encoder = ResidualCnn(8, stem=2, channels=(2,), blocks=(1,), features=4)
    >>> ContrastiveNetwork(encoder, ProjectionConfig(hidden=6, size=3))(torch.rand(5, 9, 8)).shape
    torch.Size([5, 3])
    """

    def __init__(self, encoder: Encoder, projection: ProjectionConfig | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = MeanPooling()
        self.projection = (
            nn.Identity()
            if projection is None
            else nn.Sequential(
                nn.Linear(2 * encoder.features, projection.hidden),
                nn.ReLU(),
                nn.Linear(projection.hidden, projection.size),
            )
        )

    def embed(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, 2 * feature]` of clips `log_mel` `[batch, frame, mel]`."""
        pooled = self.pooling(self.encoder(log_mel).float())
        return torch.cat((pooled.mean, pooled.deviation), dim=1)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return what is compared, `[batch, size]`, of `log_mel` `[batch, frame, mel]`."""
        projected: Tensor = self.projection(self.embed(log_mel))
        return projected


def start_network(recipe: PretrainingRecipe) -> ContrastiveNetwork:
    """Build the network of a recipe before training, the same every time."""
    torch.manual_seed(recipe.seed)
    encoder = build_spectrogram_encoder(recipe.encoder, recipe.front_end.n_mels)
    network = ContrastiveNetwork(encoder, recipe.projection)
    # Channels last: half as fast again for two-dimensional convolutions on processors.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def run_network(
    part: Callable[[Tensor], Tensor], views: Tensor, precision: Literal["float32", "bfloat16"]
) -> Tensor:
    """Return what a network, or a method of it, makes of views in a precision, as float32."""
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        found = part(views)
    return found.float()


def backward(
    network: Callable[[Tensor], Tensor],
    views: Tensor,
    loss: Callable[[Tensor], Tensor],
    chunk: int | None = None,
) -> float:
    """Accumulate the gradients of the `loss` of a network's embeddings of all views; return it.

    With `chunk`, no more than so many views go through the network at a time: embeddings are
    computed without a graph, then the gradients of the loss with respect to them, and with these
    each chunk goes forward once more, and backward. That takes a forward pass more, but memory for
    one chunk alone, and gives the same gradients. Dropout draws the same twice; batch
    normalisation, though, has the statistics of each chunk, not of the whole batch, and counts
    them into its running ones twice.

    Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    RepL4NLP 2021, Sec. 3.2.

    >>> weight = torch.ones(2, requires_grad=True)
    >>> backward(lambda views: views * weight, torch.ones(3, 2), torch.sum, chunk=2), weight.grad
    (6.0, tensor([3., 3.]))
    """
    if chunk is None or chunk >= len(views):
        total = loss(network(views))
        total.backward()  # type: ignore[no-untyped-call]
        return total.item()
    chunks = torch.split(views, chunk)
    # Leaving this puts the generator back, so that dropout repeats itself below.
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        embeddings = torch.cat([network(part) for part in chunks])
    embeddings.requires_grad_()
    total = loss(embeddings)
    (gradients,) = torch.autograd.grad(total, embeddings)
    for part, gradient in zip(chunks, torch.split(gradients, chunk), strict=True):
        torch.autograd.backward(network(part), gradient)
    return total.item()
