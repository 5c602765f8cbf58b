"""Corpus recipes: packages, voices and data sets of a corpus and its cuts, as checked YAML."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from auricle.data.layouts import LayoutName
from auricle.data.recordings import Kind
from auricle.data.tracks import TrackFormat, slugify
from auricle.data.voices import Speakers
from auricle.recipes.reading import read_recipe


class ExcerptRecipe(BaseModel):
    """How excerpts are cut: length in seconds, starts as fractions, silence in dBFS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(default=10.0, gt=0.0)
    positions: tuple[float, ...] = Field(default=(0.3, 0.65), min_length=1)
    min_seconds: float = Field(default=5.0, gt=0.0)
    silence_db: float = -50.0


class LossyLimits(BaseModel):
    """What a lossily coded file must reach to serve as a reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_kbps: float = 96.0
    min_cliff_hz: float = 15_000.0


class Soundfont(BaseModel):
    """A soundfont inside a package."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    version: str | None = None
    path: str
    licence: str


class CorpusSource(BaseModel):
    """Files of one package under one licence; patterns are relative to the unpacked package.

    Of format joined, all of them are the one `recording` so called, where one speaker's files lie
    in several folders; without it, those of each folder are one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    version: str | None = None
    format: TrackFormat
    kind: Kind
    licence: str = Field(min_length=1)
    credit: str = Field(min_length=1)
    include: tuple[str, ...] = Field(min_length=1)
    exclude: tuple[str, ...] = ()
    recording: str = ""

    @model_validator(mode="after")
    def _only_joined_files_are_one(self) -> CorpusSource:
        if self.recording and self.format != "joined":
            raise ValueError("only files that are joined have a 'recording' in common")
        return self


class FolderSource(BaseModel):
    """A data set on disk. Where it does not state kind, licence or credit, its layout does.

    >>> FolderSource(folder="VCTK-Corpus-0.92", layout="vctk").source
    'vctk'
    >>> FolderSource(folder="Field Recordings").source
    'field-recordings'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    layout: LayoutName = "folder"
    name: str = ""
    kind: Kind | None = None
    licence: str = ""
    credit: str = ""

    @property
    def source(self) -> str:
        """What it is called in the table, and every recording's id begins with."""
        plain = self.folder.resolve().name if self.layout == "folder" else self.layout
        return slugify(self.name or plain)


class ReaderSource(Speakers):
    """Voices each of which is one recording: it reads `sentences` of the texts.

    Which ones, in which order, and how fast and high it speaks each of them depends on its name.
    """

    sentences: PositiveInt = 16


class CorpusRecipe(BaseModel):
    """A corpus as a literal table of packages and the files to take, of voices, and of data sets.

    >>> CorpusRecipe(name="none").sample_rate
    48000
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sample_rate: int = Field(default=48_000, gt=0)
    excerpt: ExcerptRecipe = ExcerptRecipe()
    lossy: LossyLimits = LossyLimits()
    soundfonts: tuple[Soundfont, ...] = ()
    sources: tuple[CorpusSource, ...] = ()
    voices: tuple[ReaderSource, ...] = ()
    folders: tuple[FolderSource, ...] = ()


def read_corpus_recipe(source: Path | str) -> CorpusRecipe:
    """Read a corpus recipe from a YAML file, or an embedded one by its name.

    Raises `ConfigError` naming the field that is wrong.

    >>> read_corpus_recipe("open-music").name
    'open-music'
    """
    return read_recipe(CorpusRecipe, source, "corpora")
