"""What a system that judges by distance is made of: an encoder, and how its embeddings are cut."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.core.spec import Domain, MetricSpec, Scale
from auricle.systems.config import Name, Part, Rate, Size
from auricle.systems.fusion_config import EncoderSource

Seconds = Annotated[float, Field(gt=0.0)]


class LoraConfig(Part):
    """`auricle.encoders.lora`: by default that of DeePAQ, on queries and values."""

    rank: Size = 8
    alpha: Annotated[float, Field(gt=0.0)] = 16.0
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = ("q_proj", "v_proj")
    dropout: Rate = 0.0


class DistanceConfig(Part):
    """An encoder and a projection to `size` numbers, whose distance from a reference is judged.

    The network hears `segment_seconds` at once; inputs of less than `shortest` seconds are refused.
    Every `window` frames of the encoder give one embedding; without, a segment gives one. With
    two `channels`, stereo is compared as left, right, middle and side, else as its mono mean.
    `train_encoder` says how the encoder is or was trained along with the projection; in a bundle
    its low-rank adapters are merged. `hop`, the samples from one frame to the next, is filled in
    where the encoder is loaded.

    >>> config = DistanceConfig.model_validate({
    ...     "kind": "distance", "name": "demo", "tag": "v1", "summary": "A demonstration.",
    ...     "encoder": {"kind": "mel_statistics", "settings": {}}, "segment_seconds": 4,
    ...     "licence": "MIT", "citation": ""})
    >>> config.spec.full_name, config.spec.needs_reference, config.segment_samples
    ('demo.v1', True, 192000)
    """

    kind: Literal["distance"] = "distance"
    name: Name
    tag: Name
    summary: str
    domain: Domain = "any"
    encoder: EncoderSource
    lora: LoraConfig | None = None
    train_encoder: Literal["frozen", "lora", "full"] = "frozen"
    size: Size = 256
    dropout: Rate = 0.05
    sample_rate: Size = 48000
    channels: Literal[1, 2] = 2
    segment_seconds: Seconds = 5.0
    shortest: Seconds = 0.5
    window: Size | None = None
    hop: Size | None = None
    licence: str
    citation: str

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.shortest > self.segment_seconds:
            raise ValueError("the shortest input must not be longer than a segment")
        if (self.train_encoder == "lora") != (self.lora is not None):
            raise ValueError("'lora' is given where train_encoder is 'lora', and only there")
        return self

    @property
    def segment_samples(self) -> int:
        """Number of samples in a segment."""
        return round(self.segment_seconds * self.sample_rate)

    @property
    def spec(self) -> MetricSpec:
        """The facts that every metric states; 100 is what cannot be told from its reference."""
        return MetricSpec(
            name=self.name,
            tag=self.tag,
            summary=self.summary,
            domain=self.domain,
            needs_reference=True,
            sample_rate=self.sample_rate,
            channels=self.channels,
            shortest=self.shortest,
            scale=Scale(0.0, 100.0),
            listens_to_level=False,
            licence=self.licence,
            citation=self.citation,
        )
