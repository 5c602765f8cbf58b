"""The two-dimensional networks of Kasperuk and Zielinski: a spectrogram seen as a photograph."""

from __future__ import annotations

from collections import OrderedDict
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from auricle.encoders.base import Encoder

_KERNEL = 11
_IMAGE = 224


class Trunk(nn.Sequential):
    """A network from images `[batch, 3, 224, 224]` to features `[batch, feature]`.

    `size` is the number of features, `published` the name of the public file with its ImageNet
    weights, and `left_out` how the names in there begin that this network has no use for.

    Fresh weights are those of He et al. (2015), which keep the signal's size from layer to layer:
    a random trunk lets a gradient through too.
    """

    size: int
    published: str
    left_out: tuple[str, ...]

    def __init__(self, layers: OrderedDict[str, nn.Module]) -> None:
        super().__init__(layers)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)


class ImageCnn(Encoder):
    """A convolution that paints an image of three colours, and a frozen network that looks at it.

    Kasperuk and Zielinski (2024), Table IV: a convolution of three 11 x 11 filters (no padding,
    ReLU), bilinear resizing to 224 x 224, and a network trained on ImageNet whose outputs are the
    one embedding of the whole segment. The `trunk` is kept intact (Sec. III.D): its parameters
    get no gradients, and it stays in evaluation mode even in training, so its normalisation
    statistics do not move either; `auricle.encoders.image_weights` loads them. The convolution
    starts as in Keras, which the paper used: Glorot uniform, biases at zero.

    As in the paper, nothing is normalised between the two: the convolution learns which colours
    the trunk answers to. A spectrogram in 0..1 gives colours of roughly 0..1, which lies well
    within what both trunks were trained on (about -2..2 for VGG, -1..1 for Inception).

    >>> from auricle.encoders.inception import Inception
    >>> with torch.device("meta"):
    ...     encoder = ImageCnn(Inception())
    >>> encoder(torch.zeros(2, 1876, 256, device="meta")).shape
    torch.Size([2, 1, 1, 1000])
    >>> sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    366
    """

    # One embedding, however long the segment.
    stride = 0

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.features = trunk.size
        self.colours = nn.Conv2d(1, 3, _KERNEL)
        nn.init.xavier_uniform_(self.colours.weight)
        nn.init.zeros_(self.colours.bias)  # type: ignore[arg-type]
        self.trunk = trunk.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; the trunk stays in evaluation mode."""
        super().train(mode)
        self.trunk.eval()
        return self

    def frames(self, frames: int) -> int:
        """Always one, for any number of spectrogram frames."""
        return 1

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, 1, 1, feature]` for `log_mel` `[batch, frame, mel]`, 11 or more each."""
        image = torch.relu(self.colours(log_mel.unsqueeze(1)))
        image = interpolate(image, (_IMAGE, _IMAGE), mode="bilinear", align_corners=False)
        embedding: Tensor = self.trunk(image)
        return embedding[:, None, None]
