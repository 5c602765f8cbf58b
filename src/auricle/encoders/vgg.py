"""VGG (Simonyan and Zisserman, 2015), with 16 or 19 layers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from auricle.encoders.image_cnn import Trunk

_WIDTHS = (64, 128, 256, 512, 512)
_DEPTHS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_FILES = {16: "vgg16-397923af.pth", 19: "vgg19-dcbb9e9d.pth"}


class Vgg(Trunk):
    """Configuration D (`depth` 16) or E (19) of Simonyan and Zisserman (2015), Table 1.

    Takes images `[batch, 3, 224, 224]` and returns `[batch, feature]`: the logits of the thousand
    classes of ImageNet or, without `classes`, the 512 last feature maps averaged over the image.
    Parameters go by the names of torchvision's public files; `published` is the one that fits.

    >>> import torch
    >>> with torch.device("meta"):
    ...     vgg = Vgg(19)
    >>> vgg(torch.zeros(2, 3, 224, 224, device="meta")).shape
    torch.Size([2, 1000])
    >>> sum(parameter.numel() for parameter in vgg.parameters())
    143667240
    """

    def __init__(self, depth: Literal[16, 19] = 19, *, classes: bool = True) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(features=_convolutions(depth))
        layers["avgpool"] = nn.AdaptiveAvgPool2d(7 if classes else 1)
        layers["flatten"] = nn.Flatten()
        if classes:
            layers["classifier"] = nn.Sequential(
                nn.Linear(49 * _WIDTHS[-1], 4096), nn.ReLU(inplace=True), nn.Dropout(),
                nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
                nn.Linear(4096, 1000),
            )  # fmt: skip
        super().__init__(layers)
        self.size = 1000 if classes else _WIDTHS[-1]
        self.published = _FILES[depth]
        self.left_out = () if classes else ("classifier.",)


def _convolutions(depth: Literal[16, 19]) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for after, count in zip(_WIDTHS, _DEPTHS[depth], strict=True):
        for _ in range(count):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
            before = after
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)
