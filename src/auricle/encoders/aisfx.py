"""aiSFX, a network that was trained to index libraries of sound effects."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad

from auricle.core.errors import ConfigError
from auricle.encoders.masking import mark_real, rest_batch_norms
from auricle.encoders.published import load_published
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.music_front_ends import AisfxMel

_PUBLISHED = Path("aisfx", "models", "checkpoint.pth")
# Version of the package and SHA-256 of its weights.
_VERSION = "0.1.2"
_SHA256 = "499ea75909c932a2f94c35fa722fa4fabc5bcb7e84917209cc5f7402627b7eb5"
_WIDTHS = (64, 128, 256, 512)
# Three of the four blocks halve the steps.
_STRIDE = 8


class Aisfx(WaveformEncoder):
    """Four blocks of two convolutions over a mel spectrogram up to 22 kHz; 5.4 frames a second.

    The one layer is the last block's output averaged over frequency; its maximum over time is the
    published embedding of a block of 100 steps. A clip is seen as a whole, not in blocks of two
    seconds, and one of less than 8 steps is followed by silence.

    Ma and Lerch, Representation learning for the automatic indexing of sound effects libraries,
    ISMIR 2022 (model X-Sequential-CE).

    >>> encoder = Aisfx().eval()
    >>> with torch.no_grad():
    ...     encoder.embed([np.zeros(44100, np.float32)]).values.shape
    torch.Size([1, 1, 5, 512])
    """

    front_end: AisfxMel

    def __init__(self, *, sha256: str = "") -> None:
        super().__init__()
        self.front_end = AisfxMel()
        for number, (before, after) in enumerate(
            zip((1, *_WIDTHS), _WIDTHS, strict=False), start=1
        ):
            self.add_module(f"conv_block{number}", _Block(before, after))
        self.facts = EncoderFacts(
            sample_rate=self.front_end.sample_rate, hop=self.front_end.hop * _STRIDE, layers=1,
            features=_WIDTHS[-1], licence="CC-BY-4.0", sha256=sha256,
        )  # fmt: skip

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; batch normalisation stays as it was trained."""
        super().train(mode)
        rest_batch_norms(self)
        return self

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`: an eighth of the steps, at least one."""
        return (steps // _STRIDE).clamp_min(1)

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, 1, frame, 512]` for `prepared` `[batch, step, 96]`."""
        counts = steps.clamp_min(_STRIDE)
        missing = max(_STRIDE - prepared.shape[1], 0)
        image = pad(prepared, (0, 0, 0, missing)).unsqueeze(1)
        for number in range(1, len(_WIDTHS) + 1):
            image = self.get_submodule(f"conv_block{number}")(image, counts)
            if number < len(_WIDTHS):
                image, counts = max_pool2d(image, 2), counts // 2
        frames = image.mean(dim=-1).transpose(1, 2)
        return (frames * mark_real(counts, frames.shape[1]).unsqueeze(-1)).unsqueeze(1)


def load_aisfx(checkpoint: Path | None = None) -> Aisfx:
    """Return the network with its published weights, in evaluation mode.

    Without a `checkpoint`, that of the package `aisfx` is taken, which is looked for in the folder
    that `AURICLE_PACKAGES` names (unpacked there, or in a folder aisfx in there) and among the
    installed packages. None of its code is run.

    Raises `ConfigError` when the package cannot be found or the file is not the published one.
    """
    path = checkpoint or find_checkpoint()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ConfigError(f"{path} is not the file of aisfx {_VERSION}: {_advice()}")
    encoder = Aisfx(sha256=_SHA256)
    # Of each of the corpora in training, a classifier: of no use here.
    load_published(encoder, _read(path), source=path, prefix="embedding_net.", left_out=["fc."])
    return encoder.eval()


def find_checkpoint() -> Path:
    """Return the path of the package's weights; raises `ConfigError` if it isn't there."""
    folders = []
    if own := os.environ.get("AURICLE_PACKAGES"):
        folders += [Path(own) / "aisfx", Path(own)]
    specification = importlib.util.find_spec("aisfx")
    if specification is not None and specification.origin is not None:
        folders.append(Path(specification.origin).parents[1])
    for folder in folders:
        if (folder / _PUBLISHED).is_file():
            return folder / _PUBLISHED
    raise ConfigError(f"aisfx is not installed: {_advice()}")


def _advice() -> str:
    return (
        f"pip install --no-deps aisfx=={_VERSION}, or add --target FOLDER/aisfx and set"
        " AURICLE_PACKAGES=FOLDER"
    )


def _read(path: Path) -> dict[str, Tensor]:
    """Read the weights without running code: beside them are numbers of numpy, nothing else."""
    # The public names of 2022 for what numpy keeps in private places today.
    scalar: Any = np.int64(0).__reduce__()[0]
    numbers: list[Callable[..., Any] | tuple[Callable[..., Any], str]]
    numbers = [(scalar, "numpy.core.multiarray.scalar"), np.dtype, type(np.dtype(np.int64))]
    try:
        with torch.serialization.safe_globals(numbers):
            weights, _ = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise ConfigError(f"{path} is damaged: {error}") from error
    return dict(weights)


class _Block(nn.Module):
    """Images `[batch, channel, step, band]`, of which `counts` `[batch]` steps are real."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, image: Tensor, counts: Tensor) -> Tensor:
        real = mark_real(counts, image.shape[2])[:, None, :, None]
        image = torch.relu(self.bn1(self.conv1(image * real)))
        return torch.relu(self.bn2(self.conv2(image * real)))
