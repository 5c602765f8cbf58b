"""Inception v3 (Szegedy et al., 2016)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from auricle.encoders.image_cnn import Trunk

Kernel = int | tuple[int, int]


class Inception(Trunk):
    """Inception v3 without its auxiliary classifier, which is of use in training only.

    Takes images `[batch, 3, height, width]` of 75 pixels or more and returns `[batch, feature]`:
    the logits of the thousand classes of ImageNet or, without `classes`, the 2048 last feature
    maps averaged over the image. Layers, paddings and parameter names are those of the network
    behind torchvision's public file (`published`), which came from TensorFlow.

    Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016.

    >>> with torch.device("meta"):
    ...     inception = Inception()
    >>> inception(torch.zeros(2, 3, 224, 224, device="meta")).shape
    torch.Size([2, 1000])
    >>> sum(parameter.numel() for parameter in inception.parameters())
    23834568
    """

    def __init__(self, *, classes: bool = True) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            Conv2d_1a_3x3=_Unit(3, 32, 3, stride=2, padded=False),
            Conv2d_2a_3x3=_Unit(32, 32, 3, padded=False),
            Conv2d_2b_3x3=_Unit(32, 64, 3),
            maxpool1=nn.MaxPool2d(3, stride=2),
            Conv2d_3b_1x1=_Unit(64, 80, 1),
            Conv2d_4a_3x3=_Unit(80, 192, 3, padded=False),
            maxpool2=nn.MaxPool2d(3, stride=2),
            Mixed_5b=_Mixed(192, _kernels_5x5(), pooled=32),
            Mixed_5c=_Mixed(256, _kernels_5x5(), pooled=64),
            Mixed_5d=_Mixed(288, _kernels_5x5(), pooled=64),
            Mixed_6a=_Mixed(288, _REDUCTION_6A, halves=True),
            Mixed_6b=_Mixed(768, _kernels_7x7(128), pooled=192),
            Mixed_6c=_Mixed(768, _kernels_7x7(160), pooled=192),
            Mixed_6d=_Mixed(768, _kernels_7x7(160), pooled=192),
            Mixed_6e=_Mixed(768, _kernels_7x7(192), pooled=192),
            Mixed_7a=_Mixed(768, _REDUCTION_7A, halves=True),
            Mixed_7b=_Mixed(1280, _FORKED, pooled=192),
            Mixed_7c=_Mixed(2048, _FORKED, pooled=192),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
        )
        if classes:
            layers["fc"] = nn.Linear(2048, 1000)
        super().__init__(layers)
        self.size = 1000 if classes else 2048
        self.published = "inception_v3_google-0cc3c7bd.pth"
        self.left_out = ("AuxLogits.",) if classes else ("AuxLogits.", "fc.")


class _Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self, before: int, after: int, kernel: Kernel, *, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (height // 2, width // 2) if padded else 0
        self.conv = nn.Conv2d(before, after, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=1e-3)

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu_(self.bn(self.conv(image)))


class _Step(NamedTuple):
    name: str
    after: int
    kernel: Kernel


# A branch is steps one after the other; all steps of the last tuple read the same input.
Branch = Sequence[tuple[_Step, ...]]


class _Mixed(nn.Module):
    """Branches of convolutions and one of pooling, side by side.

    Where it `halves` the image, the last convolution of each branch has stride two and no padding
    and the pooling keeps maxima; elsewhere the pooling branch averages, and a 1 x 1 convolution
    to `pooled` channels follows.
    """

    def __init__(
        self, channels: int, branches: Sequence[Branch], *, pooled: int = 0, halves: bool = False
    ) -> None:
        super().__init__()
        self.branches = [[[step.name for step in fork] for fork in branch] for branch in branches]
        self.halves = halves
        for branch in branches:
            before = channels
            for fork in branch:
                last = halves and fork is branch[-1]
                for name, after, kernel in fork:
                    unit = _Unit(before, after, kernel, stride=1 + last, padded=not last)
                    self.add_module(name, unit)
                before = fork[0].after
        if not halves:
            self.branch_pool = _Unit(channels, pooled, 1)

    def forward(self, image: Tensor) -> Tensor:
        outputs = []
        for *first, last in self.branches:
            inner = image
            for (name,) in first:
                inner = self.get_submodule(name)(inner)
            outputs += [self.get_submodule(name)(inner) for name in last]
        if self.halves:
            outputs.append(max_pool2d(image, 3, stride=2))
        else:
            outputs.append(self.branch_pool(avg_pool2d(image, 3, stride=1, padding=1)))
        return torch.cat(outputs, dim=1)


def _chain(prefix: str, *steps: tuple[int, Kernel]) -> Branch:
    """A branch without forks; its steps are numbered from one."""
    return [
        (_Step(f"{prefix}_{number}", after, kernel),)
        for number, (after, kernel) in enumerate(steps, start=1)
    ]


def _single(channels: int) -> Branch:
    return [(_Step("branch1x1", channels, 1),)]


def _kernels_5x5() -> list[Branch]:
    return [
        _single(64),
        _chain("branch5x5", (48, 1), (64, 5)),
        _chain("branch3x3dbl", (64, 1), (96, 3), (96, 3)),
    ]


def _kernels_7x7(inner: int) -> list[Branch]:
    wide, tall = (1, 7), (7, 1)
    return [
        _single(192),
        _chain("branch7x7", (inner, 1), (inner, wide), (192, tall)),
        _chain(
            "branch7x7dbl", (inner, 1), (inner, tall), (inner, wide), (inner, tall), (192, wide)
        ),
    ]


def _fork(prefix: str) -> tuple[_Step, ...]:
    return _Step(f"{prefix}a", 384, (1, 3)), _Step(f"{prefix}b", 384, (3, 1))


_REDUCTION_6A: list[Branch] = [
    [(_Step("branch3x3", 384, 3),)],
    _chain("branch3x3dbl", (64, 1), (96, 3), (96, 3)),
]
_REDUCTION_7A = [
    _chain("branch3x3", (192, 1), (320, 3)),
    _chain("branch7x7x3", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)),
]
_FORKED = [
    _single(320),
    [*_chain("branch3x3", (384, 1)), _fork("branch3x3_2")],
    [*_chain("branch3x3dbl", (448, 1), (384, 3)), _fork("branch3x3dbl_3")],
]
