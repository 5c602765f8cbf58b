"""A head that maps clips to a space in which distances tell quality."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from auricle.core.errors import DataError


class ProjectionHead(nn.Module):
    """All layers averaged over time, side by side, then ReLU, dropout and one dense layer.

    The average is over a whole clip or, with `window`, over every so many frames of it.
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
        self.size = size
        self.project = nn.Sequential(
            nn.ReLU(), nn.Dropout(dropout), nn.Linear(layers * features, size)
        )

    def forward(self, embedding: Tensor, frames: Tensor, window: int | None = None) -> Tensor:
        """Return `[batch, size]` for `[batch, layer, frame, feature]`.

        Of each clip the first `frames` `[batch]` count, one at least; the rest is padding. With a
        `window` of so many frames it returns `[batch, window, size]`, zero from `count_windows` of
        a clip on; its last window may be cut. Raises `DataError` for other shapes.
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
        means, real = _means(embedding, frames, window)
        projected: Tensor = torch.where(real.unsqueeze(-1), self.project(means.flatten(2)), 0.0)
        return projected if window is not None else projected.squeeze(1)


def count_windows(frames: Tensor, window: int | None) -> Tensor:
    """Return how many windows so many frames `[batch]` give, the last of which may be cut.

    >>> count_windows(torch.tensor([1, 8, 9]), 4), count_windows(torch.tensor([1, 8, 9]), None)
    (tensor([1, 2, 3]), tensor([1, 1, 1]))
    """
    return torch.ones_like(frames) if window is None else (frames + window - 1) // window


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


def _means(embedding: Tensor, frames: Tensor, window: int | None) -> tuple[Tensor, Tensor]:
    """Return means over real frames, `[batch, window, layer, feature]`, and which are of any."""
    batch, layers, length, features = embedding.shape
    size = length if window is None else window
    windows = 1 if window is None else (length + window - 1) // window
    missing = windows * size - length
    heard = torch.arange(length, device=embedding.device) < frames[:, None]
    clean = torch.where(heard[:, None, :, None], embedding, 0.0)
    parts = pad(clean, (0, 0, 0, missing)).reshape(batch, layers, windows, size, features)
    count = pad(heard, (0, missing)).reshape(batch, windows, size).sum(dim=2)
    means = parts.sum(dim=3) / count.clamp(min=1)[:, None, :, None]
    return means.transpose(1, 2), count > 0
