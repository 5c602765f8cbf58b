"""Whether a pretrained encoder hears noise as finely as people, on utterances it never met.

    python benchmarks/jnd_embedding.py --pairs FOLDER --corpus NOISES --recipe jsqa-small \
        --encoder PRETRAINING/encoder.safetensors --output docs/results/jsqa

`FOLDER` holds the table of pairs that the encoder was pretrained on. Of its test split the clean
clips are taken, each with the noise that the table gives it, which lies in a folder of `--corpus`.
Distances are Euclidean, of normalised mean and deviation of the encoder's frames. A fresh encoder
is measured beside the pretrained one: under one utterance with one noise, distances grow with the
difference in dB for it, too. High figures alone do not show that anything was learned.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.pairs import TABLE, read_pairs
from auricle.degrade.mixing import mix_at
from auricle.evaluation.human_probe import ClipEmbedder
from auricle.signal.io import read_audio
from auricle.stats.correlation import spearman
from auricle.stats.intervals import Estimate
from auricle.training.checkpoint import load_encoder
from auricle.training.recipe import load_recipe
from excerpts import interval, plain, show, table, write_results
from jsqa_human import start_encoder

RATIOS = np.arange(0.0, 31.0, 2.0)
FAR = 6.0
NEAR = (1.0, 2.0)
Vector = NDArray[np.float64]
Mix = Callable[[float], Audio]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A clean clip of the test split, and the noise that goes under it."""

    excerpt: str
    clean: Path
    noise: Path
    noise_start: float

    def mix(self, ratio: float) -> Audio:
        """Return the clip with its noise `ratio` dB below."""
        speech = read_audio(self.clean).mono()
        noise = read_audio(self.noise, sample_rate=speech.sample_rate).mono()
        begin = round(self.noise_start * speech.sample_rate)
        part = noise.samples[:, begin : begin + speech.frames]
        return mix_at(speech, Audio.from_array(part, speech.sample_rate), ratio)


def find_utterances(folder: Path, corpora: Sequence[Path]) -> Iterator[Utterance]:
    """Yield each test excerpt that has a noise; raises `DataError` where a corpus is missing."""
    seen = set()
    for clip in read_pairs(folder / TABLE):
        if clip.split != "test" or not clip.noise or clip.error or clip.excerpt in seen:
            continue
        seen.add(clip.excerpt)
        noise = next((c / clip.noise for c in corpora if (c / clip.noise).is_file()), None)
        if noise is None:
            raise DataError(f"no corpus holds {clip.noise}: give its folder by --corpus")
        yield Utterance(clip.excerpt, folder / clip.reference, noise, clip.noise_start)


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What was found of one utterance: correlations, and of each triplet whether it is ordered."""

    from_clean: float
    from_noisy: float
    triplets: tuple[bool, ...]


def hear(mix: Mix, embedder: ClipEmbedder, count: int, rng: np.random.Generator) -> Hearing:
    """Embed an utterance at all ratios, and at those of `count` triplets.

    Of a triplet one clip is 1 to 2 dB from the first and one 6 dB, both on the same side of it.
    """

    def embed(ratio: float) -> Vector:
        found = embedder(mix(ratio))
        return found / float(np.linalg.norm(found))

    clips = np.stack([embed(float(ratio)) for ratio in RATIOS])
    triplets = []
    for _ in range(count):
        side = rng.choice((-1.0, 1.0))
        first = float(rng.uniform(RATIOS[0] + FAR, RATIOS[-1] - FAR))
        near = first + side * float(rng.uniform(*NEAR))
        one, partner, other = (embed(ratio) for ratio in (first, near, first + side * FAR))
        triplets.append(bool(np.linalg.norm(one - partner) < np.linalg.norm(one - other)))
    return Hearing(_correlate(clips, -1), _correlate(clips, 0), tuple(triplets))


def _correlate(clips: Vector, anchor: int) -> float:
    """Return Spearman's correlation of distances from one clip with differences in dB."""
    others = np.delete(np.arange(len(clips)), anchor)
    apart = np.linalg.norm(clips[others] - clips[anchor], axis=1)
    return spearman(apart, np.abs(RATIOS[others] - RATIOS[anchor]))


def summarise(heard: Sequence[Hearing]) -> dict[str, Estimate | None]:
    """Return means over utterances, which are what the bootstrap draws."""
    names = [str(number) for number in range(len(heard))]
    told = [number for number, one in enumerate(heard) for _ in one.triplets]
    ordered = [float(triplet) for one in heard for triplet in one.triplets]
    return {
        "from 30 dB": interval(np.mean, [one.from_clean for one in heard], groups=names),
        "from 0 dB": interval(np.mean, [one.from_noisy for one in heard], groups=names),
        "triplets": interval(np.mean, ordered, groups=[names[number] for number in told]),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--recipe", required=True, help="of the system that has the encoder")
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--triplets", type=int, default=8, help="of each utterance")
    parser.add_argument("--utterances", type=int, help="the first so many; default: all")
    options = parser.parse_args()
    config = load_recipe(options.recipe).system
    pretrained = start_encoder(config, 0)
    load_encoder(pretrained, options.encoder)
    utterances = list(find_utterances(options.pairs, options.corpus))[: options.utterances]
    if not utterances:
        parser.error(f"{options.pairs} has no test clips with a noise")
    found = {}
    for name, encoder in (("pretrained", pretrained), ("fresh", start_encoder(config, 0))):
        embedder, rng = ClipEmbedder(encoder, config), np.random.default_rng(0)
        heard = [hear(one.mix, embedder, options.triplets, rng) for one in utterances]
        found[name] = summarise(heard)
    count = options.triplets * len(utterances)
    markdown = (
        f"{len(utterances)} utterances of the test split at {len(RATIOS)} signal-to-noise ratios,"
        " 0 to 30 dB: Spearman's correlation of embedding distance with the difference in dB,"
        f" averaged over utterances, and the share of {count} triplets in which 1 to 2 dB are"
        " nearer than 6 dB. Brackets hold 95% intervals, bootstrapped over utterances.\n\n"
    ) + table(
        ["encoder", "from 30 dB", "from 0 dB", "triplets, %"],
        [
            [name, show(one["from 30 dB"]), show(one["from 0 dB"]),
             show(one["triplets"], 1, factor=100.0)]
            for name, one in found.items()
        ],
    )  # fmt: skip
    result = {"recipe": options.recipe, "utterances": len(utterances), "triplets": count}
    write_results(options.output, "jnd", {**result, "encoders": plain(found)}, markdown)


if __name__ == "__main__":
    main()
