"""What a fused system is made of: encoders of samples, and members that read them.

A single model has one member; an ensemble has several, whose predictions are averaged.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from auricle.core.spec import Domain, MetricSpec, Scale
from auricle.systems.config import Name, Part, Rate, Size

AxisName = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")]


class Axis(Part):
    """One thing that is rated, and the ends of its scale."""

    name: AxisName
    low: float
    high: float

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low < self.high:
            raise ValueError("an axis needs a scale that rises")
        return self

    @property
    def span(self) -> float:
        """Distance between the ends."""
        return self.high - self.low


class EncoderSource(Part):
    """An encoder: its architecture and where its weights come from.

    `weights` is a folder, the id of a public repository with its commit as `revision`, or the
    name of a package or embedded bundle, as `kind` has it. With a `layer` (of transformers 0 is the
    first one's input) there is no other one. A trained bundle knows the network's
    `settings`, its `front_end` and the `sha256` of the weights, and holds the weights itself.
    """

    kind: Literal[
        "wavlm",
        "hubert",
        "wav2vec2",
        "mert",
        "whisper",
        "muq",
        "m2d",
        "aisfx",
        "mel_cnn",
        "mel_statistics",
        "full_band",
    ]
    weights: str = ""
    revision: str | None = None
    settings: dict[str, Any] | None = None
    front_end: dict[str, Any] | None = None
    sha256: str = ""
    licence: str = ""
    layer: Annotated[int, Field(ge=0)] | None = None


class AggregationConfig(Part):
    """One of `auricle.heads.aggregation`, by the paper's name where it has one."""

    kind: Literal["mlp", "blstm_h", "blstm_t", "attention", "statistics", "convolution"] = "mlp"
    hidden: Size = 256


class AxisLayersConfig(Part):
    """`auricle.heads.axis_layers`: so many `blocks` before the last layer of each axis' network."""

    blocks: Annotated[int, Field(ge=0)] = 1
    layer_norm: bool = True


class MemberConfig(Part):
    """Which encoders a model reads, and how it comes from their frames to its axes.

    Of encoders in `weighted` a learned mean of all hidden layers is read, of others the last one.
    The `head` is an independent network for each axis (`auricle.heads.axes`), or one for the mean
    and the covariance of all axes (`auricle.heads.multi_gauss`), with layers of `hidden` units.
    With `axis_layers` each axis has a mean of all layers of its own, of one encoder; nothing else
    is aggregated then.
    """

    encoders: Annotated[tuple[Name, ...], Field(min_length=1)]
    weighted: tuple[Name, ...] = ()
    aggregation: AggregationConfig = AggregationConfig()
    head: Literal["mlp", "multi_gauss"] = "mlp"
    hidden: Size = 256
    dropout: Rate = 0.1
    axis_layers: AxisLayersConfig | None = None

    @model_validator(mode="after")
    def _weighs_what_it_reads(self) -> Self:
        if unread := sorted(set(self.weighted) - set(self.encoders)):
            raise ValueError(f"'weighted' names {', '.join(unread)}, which 'encoders' does not")
        return self

    @model_validator(mode="after")
    def _weighs_layers_once(self) -> Self:
        if self.axis_layers is None:
            return self
        if len(self.encoders) > 1:
            raise ValueError("'axis_layers' reads one encoder")
        if self.weighted or self.aggregation != AggregationConfig() or self.head != "mlp":
            raise ValueError("'axis_layers' leaves nothing to 'weighted', 'aggregation' and 'head'")
        return self


class FusionConfig(Part):
    """Encoders, members and axes; the first axis is what the system's score shows.

    `segment` is the length in seconds that the encoders hear at once, `shortest` the shortest
    input that is accepted, and `frame_rate` (Hz) the rate that all embeddings are brought to.
    With a `level` (dB re full scale, RMS) every segment is brought to it; without, level counts.

    >>> config = FusionConfig.model_validate({
    ...     "kind": "fusion", "name": "demo", "tag": "v1", "summary": "A demonstration.",
    ...     "licence": "MIT", "citation": "", "encoders": {"mel": {"kind": "mel_statistics"}},
    ...     "members": [{"encoders": ["mel"]}],
    ...     "axes": [{"name": "quality", "low": 1, "high": 5}]})
    >>> config.spec.full_name, config.spec.scale.high, config.segment_bins
    ('demo.v1', 5.0, 50)
    """

    kind: Literal["fusion"]
    name: Name
    tag: Name
    summary: str
    domain: Domain = "any"
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)]
    encoders: Annotated[dict[Name, EncoderSource], Field(min_length=1)]
    members: Annotated[tuple[MemberConfig, ...], Field(min_length=1)]
    sample_rate: Size = 48000
    segment: Annotated[float, Field(gt=0.0)] = 10.0
    shortest: Annotated[float, Field(gt=0.0)] = 0.5
    frame_rate: Annotated[float, Field(gt=0.0)] = 5.0
    level: Annotated[float, Field(lt=0.0)] | None = None
    licence: str
    citation: str

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.shortest > self.segment:
            raise ValueError("the shortest input must not be longer than a segment")
        names = [axis.name for axis in self.axes]
        if len(set(names)) < len(names):
            raise ValueError("every axis needs a name of its own")
        used = {name for member in self.members for name in member.encoders}
        if unknown := sorted(used - self.encoders.keys()):
            known = ", ".join(self.encoders)
            raise ValueError(f"no encoder is called {', '.join(unknown)}: there is {known}")
        return self

    @property
    def tells_covariance(self) -> bool:
        """Whether all members know the covariance of their errors."""
        return all(member.head == "multi_gauss" for member in self.members)

    @property
    def used_encoders(self) -> dict[Name, EncoderSource]:
        """The encoders that a member reads, in their order."""
        used = {name for member in self.members for name in member.encoders}
        return {name: source for name, source in self.encoders.items() if name in used}

    @property
    def segment_samples(self) -> int:
        """Number of samples in a segment."""
        return round(self.segment * self.sample_rate)

    @property
    def segment_bins(self) -> int:
        """Number of embeddings in a segment."""
        return self.bins(self.segment_samples)

    def bins(self, samples: int) -> int:
        """Number of embeddings that so many samples give, the last of which may be cut."""
        # Rounded first: 10 s at 5 Hz must not come out above 50.
        return max(1, -int(-round(samples / self.sample_rate * self.frame_rate, 6) // 1))

    @property
    def spec(self) -> MetricSpec:
        """The facts that every metric states; scores are on the scale of the first axis."""
        return MetricSpec(
            name=self.name,
            tag=self.tag,
            summary=self.summary,
            domain=self.domain,
            needs_reference=False,
            sample_rate=self.sample_rate,
            channels=1,
            shortest=self.shortest,
            scale=Scale(self.axes[0].low, self.axes[0].high),
            listens_to_level=self.level is None,
            licence=self.licence,
            citation=self.citation,
            axes=tuple(axis.name for axis in self.axes) if len(self.axes) > 1 else (),
        )
