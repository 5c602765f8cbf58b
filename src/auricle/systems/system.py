"""The assembled network in torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from auricle.core.errors import BundleError
from auricle.encoders.base import Encoder
from auricle.encoders.conv1d import Conv1d
from auricle.encoders.image_cnn import ImageCnn
from auricle.encoders.image_weights import load_trunk
from auricle.encoders.inception import Inception
from auricle.encoders.mel_cnn import MelCnn
from auricle.encoders.residual_cnn import ResidualCnn
from auricle.encoders.vgg import Vgg
from auricle.heads.gaussian import GaussianHead
from auricle.heads.history import HistoryHead
from auricle.heads.pooling import AttentionPooling, FlattenPooling, MeanPooling
from auricle.heads.regression import Prediction, RegressionHead
from auricle.systems.bundle import Bundle
from auricle.systems.config import EncoderConfig, SystemConfig


class System(nn.Module):
    """Encoder, pooling and head in a row.

    In evaluation mode quality is truncated to 0..1; while training it is not. A linear output
    that is truncated afterwards (Kasperuk and Zielinski, 2024, Sec. III.D) reaches 1 for lossless
    audio, which a sigmoid never does, and its gradient does not fade near the top, where the
    most interesting codecs lie.
    """

    def __init__(
        self,
        encoder: Encoder,
        pooling: nn.Module,
        head: nn.Module,
        history: HistoryHead | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.head = head
        self.history = history

    def forward(self, log_mel: Tensor) -> Prediction:
        """Return the prediction for `log_mel` `[batch, frame, mel]` in 0..1."""
        pooled = self.pooling(self.encoder(log_mel))
        prediction: Prediction = self.head(pooled)
        if self.history is not None:
            prediction = prediction._replace(history=self.history(pooled))
        if self.training:
            return prediction
        return prediction._replace(
            mean=prediction.mean.clamp(0.0, 1.0), track=prediction.track.clamp(0.0, 1.0)
        )


def build_system(config: SystemConfig) -> System:
    """Build the network that a configuration describes, with fresh weights.

    >>> config = SystemConfig.model_validate({
    ...     "name": "demo", "tag": "v1", "summary": "A demonstration.", "licence": "MIT",
    ...     "citation": "", "label_scale": {"low": 1, "high": 5}, "shortest": 10.0,
    ...     "encoder": {"kind": "conv1d"}, "pooling": {"kind": "flatten"},
    ...     "head": {"kind": "regression"}})
    >>> sum(parameter.numel() for parameter in build_system(config).parameters())
    15442881
    """
    encoder = build_spectrogram_encoder(config.encoder, config.front_end.n_mels)
    features = pooled_features(config, encoder)
    history = HistoryHead(features, **config.history.model_dump()) if config.history else None
    return System(encoder, _build_pooling(config, features), _build_head(config, features), history)


def pooled_features(config: SystemConfig, encoder: Encoder) -> int:
    """Return the size of a pooled frame: an encoder's frame, or a whole segment of them."""
    frames = encoder.frames(config.segment_frames) if config.fixed_length else 1
    return encoder.features * frames


def build_spectrogram_encoder(config: EncoderConfig, mels: int) -> Encoder:
    """Build the encoder of spectrograms of so many bands, with fresh weights.

    >>> from auricle.systems.config import ResidualCnnConfig
    >>> build_spectrogram_encoder(ResidualCnnConfig(kind="residual_cnn"), 96).stride
    16
    """
    options = config.model_dump(exclude={"kind"})
    if config.kind == "conv1d":
        return Conv1d(mels, **options)
    if config.kind == "vgg":
        return ImageCnn(Vgg(config.depth, classes=config.classes))
    if config.kind == "inception":
        return ImageCnn(Inception(classes=config.classes))
    if config.kind == "residual_cnn":
        return ResidualCnn(mels, **options)
    return MelCnn(mels, **options)


def start_system(config: SystemConfig) -> System:
    """Build the network that a training begins with.

    That is `build_system`, with weights from elsewhere for the parts that are to have them.
    Raises `ConfigError` when those can't be had or don't fit.
    """
    system = build_system(config)
    weights = getattr(config.encoder, "weights", None)
    if isinstance(system.encoder, ImageCnn) and weights is not None:
        load_trunk(system.encoder.trunk, weights)
    return system


def load_system(bundle: Bundle) -> System:
    """Build a bundle's network and load its weights strictly; it comes in evaluation mode.

    Raises `BundleError` when the bundle holds no weights or they don't fit its configuration.
    """
    system = build_system(bundle.config)
    load_weights(system, load_file(bundle.weights), bundle.weights)
    return system.eval()


def load_weights(system: System, weights: Mapping[str, Tensor], source: Path) -> None:
    """Load weights strictly; `source` is named when they don't fit, by a `BundleError`."""
    try:
        system.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise BundleError(f"{source} does not fit the configured network: {error}") from error


def _build_pooling(config: SystemConfig, features: int) -> nn.Module:
    options = config.pooling.model_dump(exclude={"kind"})
    if config.pooling.kind == "attention":
        return AttentionPooling(features, **options)
    return MeanPooling() if config.pooling.kind == "mean" else FlattenPooling()


def _build_head(config: SystemConfig, features: int) -> nn.Module:
    options = config.head.model_dump(exclude={"kind"})
    if config.head.kind == "regression":
        return RegressionHead(features, **options)
    return GaussianHead(features, **options)
