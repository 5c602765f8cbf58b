"""What processing may leave traces in a recording, by name."""

from typing import Final

TRACES: Final = ("lossy", "mp2", "mp3", "aac", "vorbis", "opus", "lowpass")
"""Any lossy coding at all, the codecs one by one, and a low-pass filter."""
