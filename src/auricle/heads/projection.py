"""A head that maps clips to a space in which distances tell quality."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.core.errors import DataError


class ProjectionHead(nn.Module):
    """All layers averaged over time, side by side, then ReLU, dropout and one dense layer.

    `layers` and `features` are those of the encoder's `[batch, layer, frame, feature]`; `size` is
    that of the vectors returned.

    Source: Jiang et al., "DeePAQ" (arXiv 2510.12326), projection head: 13 x 768 features of
    MERT-v1-95M to 256. Its dropout of 0.05 has no place in the text; here it is before the dense
    layer.

    >>> ProjectionHead(13, 768)(torch.zeros(2, 13, 5, 768), torch.tensor([5, 3])).shape
    torch.Size([2, 256])
    """

    def __init__(self, layers: int, features: int, size: int = 256, dropout: float = 0.05) -> None:
        super().__init__()
        self.shape = (layers, features)
        self.project = nn.Sequential(
            nn.ReLU(), nn.Dropout(dropout), nn.Linear(layers * features, size)
        )

    def forward(self, embedding: Tensor, frames: Tensor) -> Tensor:
        """Return `[batch, size]` for `[batch, layer, frame, feature]`.

        Of each clip the first `frames` `[batch]` count, one at least; the rest is padding. Raises
        `DataError` for other shapes.
        """
        if embedding.ndim != 4 or (embedding.shape[1], embedding.shape[3]) != self.shape:
            raise DataError(
                f"embeddings must be [batch, {self.shape[0]}, frame, {self.shape[1]}],"
                f" not {list(embedding.shape)}"
            )
        if frames.shape != embedding.shape[:1]:
            raise DataError(
                f"{embedding.shape[0]} clips need as many numbers of frames,"
                f" not {list(frames.shape)}"
            )
        projected: Tensor = self.project(_mean(embedding, frames).flatten(1))
        return projected


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Return Euclidean distances between vectors `[..., size]`, as `[...]`.

    Dimensions before the last broadcast: `[batch, size]` twice gives one distance per clip and its
    own reference, `[batch, 1, size]` with `[reference, size]` those from each clip to references
    of other content. Where vectors are equal, the gradient is 0.

    Raises `DataError` when sizes differ, or the other dimensions don't fit.

    >>> distances(torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 4.0], [0.0, 1.0]]))
    tensor([5., 0.])
    """
    # From the last dimension on; missing ones broadcast.
    pairs = zip(a.shape[-2::-1], b.shape[-2::-1], strict=False)
    fit = all(one == other or 1 in (one, other) for one, other in pairs)
    if a.ndim == 0 or a.shape[-1:] != b.shape[-1:] or not fit:
        raise DataError(
            "vectors must be [..., size], of one size and with dimensions that broadcast,"
            f" not {list(a.shape)} and {list(b.shape)}"
        )
    found: Tensor = torch.linalg.vector_norm(a - b, dim=-1)
    return found


def _mean(embedding: Tensor, frames: Tensor) -> Tensor:
    """Return the mean over real frames, `[batch, layer, feature]`."""
    heard = torch.arange(embedding.shape[2], device=embedding.device) < frames[:, None]
    total = torch.where(heard[:, None, :, None], embedding, 0.0).sum(dim=2)
    return total / heard.sum(dim=1)[:, None, None]
