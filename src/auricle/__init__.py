"""Auricle tells how good audio sounds.

>>> import auricle
>>> report = auricle.assess(["examples/lossless.flac"])
>>> score = report.scores[0]
>>> score.metric, score.interval[0] <= score.value <= score.interval[1]
('codec-music.v3', True)
"""

from importlib.metadata import version

from auricle.api import assess, build_bank, compare, compare_with_bank
from auricle.catalog import load
from auricle.core.audio import Audio
from auricle.core.errors import AuricleError
from auricle.core.score import AxisScore, History, Moment, Notice, Report, Result, Score, Trace

__version__ = version("auricle")

__all__ = [
    "Audio",
    "AuricleError",
    "AxisScore",
    "History",
    "Moment",
    "Notice",
    "Report",
    "Result",
    "Score",
    "Trace",
    "__version__",
    "assess",
    "build_bank",
    "compare",
    "compare_with_bank",
    "load",
]
