"""What a system is made of, as data: everything needed to build it again, except its weights."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from auricle.core.spec import Domain, MetricSpec, Scale
from auricle.signal.spectra import LogMel

Size = Annotated[int, Field(gt=0)]
Sizes = Annotated[tuple[Size, ...], Field(min_length=1)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class Part(BaseModel):
    """Base of all configurations: frozen, and no key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogMelConfig(Part):
    """The fields of `auricle.signal.spectra.LogMel`."""

    kind: Literal["log_mel"] = "log_mel"
    sample_rate: Size = 48000
    n_fft: Size = 2048
    hop: Size = 256
    n_mels: Size = 256
    range_db: Annotated[float, Field(gt=0.0)] = 80.0
    ceiling: Annotated[float, Field(gt=0.0)] | None = None
    level: Literal["maximum", "absolute"] = "maximum"
    scale: Literal["fixed", "min_max"] = "fixed"

    def build(self) -> LogMel:
        """Return the front end.

        >>> LogMelConfig(n_mels=64).build().n_mels
        64
        """
        return LogMel(**self.model_dump(exclude={"kind"}))


class _Range(Part):
    low: float
    high: float

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low < self.high:
            raise ValueError("a scale must rise")
        return self


class ShownScale(_Range):
    """The scores that the worst and the best quality are shown as.

    >>> ShownScale(low=1.0, high=5.0).build().span
    4.0
    """

    low: float = 0.0
    high: float = 100.0

    def build(self) -> Scale:
        """Return the scale that scores state."""
        return Scale(self.low, self.high)


class LabelScale(_Range):
    """The mean opinion scores that count as the worst and as the best quality.

    >>> LabelScale(low=1.0, high=5.0)(np.array([1.0, 3.0, 5.5])).tolist()
    [0.0, 0.5, 1.0]
    """

    def __call__(self, mos: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return opinion scores as quality in 0..1, truncated."""
        return np.clip((mos - self.low) / (self.high - self.low), 0.0, 1.0).astype(np.float32)


class Conv1dConfig(Part):
    """`auricle.encoders.conv1d.Conv1d`."""

    kind: Literal["conv1d"]
    filters: Sizes = (64, 128, 256)
    lengths: Sizes = (11, 7, 3)
    dropout: Rate = 0.01

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.filters) != len(self.lengths):
            raise ValueError("filters and lengths must be as many")
        return self


class MelCnnConfig(Part):
    """`auricle.encoders.mel_cnn.MelCnn`."""

    kind: Literal["mel_cnn"]
    stem: Size = 16
    channels: Sizes = (32, 48, 64, 96)
    features: Size = 192
    dropout: Rate = 0.1
    context: Annotated[int, Field(ge=0)] = 118


class ResidualCnnConfig(Part):
    """`auricle.encoders.residual_cnn.ResidualCnn`."""

    kind: Literal["residual_cnn"]
    stem: Size = 16
    channels: Sizes = (32, 64, 128, 256)
    blocks: Sizes = (1, 1, 2, 2)
    features: Size = 256
    dropout: Rate = 0.1

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.channels) != len(self.blocks):
            raise ValueError("channels and blocks must be as many")
        return self


class VggConfig(Part):
    """`auricle.encoders.image_cnn.ImageCnn` with `auricle.encoders.vgg.Vgg`.

    `weights` are those a training begins with: "imagenet", the path of a file (see
    `auricle.encoders.image_weights.load_trunk`), or none for random ones. With `classes` the
    logits of ImageNet's thousand classes are the features, else the last feature maps.
    """

    kind: Literal["vgg"]
    depth: Literal[16, 19] = 19
    classes: bool = True
    weights: str | None = "imagenet"


class InceptionConfig(Part):
    """`auricle.encoders.image_cnn.ImageCnn` with `auricle.encoders.inception.Inception`.

    The fields are those of `VggConfig`.
    """

    kind: Literal["inception"]
    classes: bool = True
    weights: str | None = "imagenet"


class FlattenConfig(Part):
    """`auricle.heads.pooling.FlattenPooling`."""

    kind: Literal["flatten"]


class AttentionConfig(Part):
    """`auricle.heads.pooling.AttentionPooling`."""

    kind: Literal["attention"]
    hidden: Size = 64


class MeanConfig(Part):
    """`auricle.heads.pooling.MeanPooling`."""

    kind: Literal["mean"]


class RegressionConfig(Part):
    """`auricle.heads.regression.RegressionHead`."""

    kind: Literal["regression"]
    hidden: tuple[Size, ...] = (256, 128)
    dropout: Rate = 0.01


class GaussianConfig(Part):
    """`auricle.heads.gaussian.GaussianHead`."""

    kind: Literal["gaussian"]
    hidden: Size = 64
    dropout: Rate = 0.1


class HistoryConfig(Part):
    """`auricle.heads.history.HistoryHead`."""

    hidden: Size = 64
    dropout: Rate = 0.1


EncoderConfig = Annotated[
    Conv1dConfig | MelCnnConfig | ResidualCnnConfig | VggConfig | InceptionConfig,
    Field(discriminator="kind"),
]
PoolingConfig = Annotated[FlattenConfig | AttentionConfig | MeanConfig, Field(discriminator="kind")]
HeadConfig = Annotated[RegressionConfig | GaussianConfig, Field(discriminator="kind")]

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class SystemConfig(Part):
    """One assembled model: front end, encoder, pooling, heads, and how to speak of it.

    `segment` is the length in seconds that the network hears at once, `shortest` the shortest
    input in seconds that it accepts, `scale` what its scores run from and to.

    >>> config = SystemConfig.model_validate({
    ...     "name": "demo", "tag": "v1", "summary": "A demonstration.", "licence": "MIT",
    ...     "citation": "", "label_scale": {"low": 1, "high": 5},
    ...     "encoder": {"kind": "mel_cnn"}, "pooling": {"kind": "attention"},
    ...     "head": {"kind": "gaussian"}})
    >>> config.spec.full_name, config.segment_frames, config.fixed_length
    ('demo.v1', 1876, False)
    """

    name: Name
    tag: Name
    summary: str
    domain: Domain = "music"
    label_scale: LabelScale
    scale: ShownScale = ShownScale()
    front_end: LogMelConfig = LogMelConfig()
    segment: Annotated[float, Field(gt=0.0)] = 10.0
    shortest: Annotated[float, Field(gt=0.0)] = 0.5
    encoder: EncoderConfig
    pooling: PoolingConfig
    head: HeadConfig
    history: HistoryConfig | None = None
    licence: str
    citation: str

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.shortest > self.segment:
            raise ValueError("the shortest input must not be longer than a segment")
        if self.encoder.kind in ("vgg", "inception") and not self.fixed_length:
            raise ValueError("a network that sees a segment as one image needs pooling 'flatten'")
        if self.fixed_length and self.shortest < self.segment:
            raise ValueError("a network of fixed length needs 'shortest' as long as 'segment'")
        return self

    @property
    def fixed_length(self) -> bool:
        """Whether the network takes whole segments only."""
        return self.pooling.kind == "flatten"

    @property
    def segment_samples(self) -> int:
        """Number of samples in a segment."""
        return round(self.segment * self.front_end.sample_rate)

    @property
    def segment_frames(self) -> int:
        """Number of spectrogram frames in a segment."""
        return self.front_end.build().frames(self.segment_samples)

    @property
    def spec(self) -> MetricSpec:
        """The facts that every metric states."""
        return MetricSpec(
            name=self.name,
            tag=self.tag,
            summary=self.summary,
            domain=self.domain,
            needs_reference=False,
            sample_rate=self.front_end.sample_rate,
            channels=1,
            shortest=self.shortest,
            scale=self.scale.build(),
            listens_to_level=self.front_end.level == "absolute",
            licence=self.licence,
            citation=self.citation,
        )
