"""Other people's metrics of speech without a reference, to compare with: DNSMOS and DistillMOS.

They need packages of their own, are no part of the catalog, and judge nothing but benchmarks.
"""

from __future__ import annotations

import hashlib
import math
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Final

import numpy as np
import onnxruntime

from auricle.core.audio import Samples
from auricle.core.errors import ConfigError, MissingDependencyError, SignalError
from auricle.core.score import Notice, Score
from auricle.core.spec import MetricSpec, Scale
from auricle.signal.checks import SignalMonitor, is_silent
from auricle.signal.resample import resample_blocks
from auricle.systems.metric import Metric

_RATE: Final = 16000
# What DNSMOS hears at once, in seconds, and how its answer becomes an opinion score.
_WINDOW: Final = 9.01
_POLYNOMIAL: Final = (-0.06766283, 1.11546468, 0.04602535)
_NO_DISTILLMOS: Final = (
    "this needs the packages distillmos and xls-r-sqa, which are not installed:"
    " pip install --no-deps distillmos xls-r-sqa"
)


class Peer(Metric):
    """A metric that hears a whole recording at once, mono at 16 kHz, and says one number.

    Its scores have neither interval nor track. Raises `SignalError` when it is silent or too short.
    """

    def _score(
        self,
        mono: Iterable[Samples],
        sample_rate: int,
        monitor: SignalMonitor,
        decoding: Callable[[], tuple[Notice, ...]],
    ) -> Score:
        blocks = list(resample_blocks(mono, sample_rate, _RATE))
        samples = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)
        duration = samples.size / _RATE
        if duration < self.spec.shortest:
            raise SignalError(
                f"it lasts {duration:.3f} s: {self.spec.full_name} needs at least"
                f" {self.spec.shortest:g} s"
            )
        if is_silent(samples):
            raise SignalError("it is silent: there is nothing to judge")
        # Nothing above 8 kHz is heard anyway: a low rate is no loss.
        told = [one for one in monitor.notices() if one.kind != "low_sample_rate"]
        return Score(
            value=self._measure(samples),
            interval=(),
            sigma=math.nan,
            track=(),
            scale=self.spec.scale,
            metric=self.spec.full_name,
            duration=duration,
            warnings=(*decoding(), *told),
        )

    @classmethod
    @abstractmethod
    def find_weights(cls) -> Path:
        """Return the file of its weights, without loading anything; raises what making it does."""

    @abstractmethod
    def _measure(self, samples: Samples) -> float:
        """Judge mono samples `[time]` at 16 kHz."""


class Dnsmos(Peer):
    """Overall quality (OVRL) of DNSMOS P.835, MOS 1 to 5.

    What is shorter than 9.01 s is repeated; what is longer is judged in windows a second apart,
    whose mean counts. Of the package speechmos only the network is used, so it needs nothing else.

    Raises `MissingDependencyError` without the extra `peers`. Source: C. Reddy et al., "DNSMOS
    P.835: A non-intrusive perceptual objective speech quality metric to evaluate noise
    suppressors", ICASSP 2022; windows and polynomial: speechmos 0.0.1.1.
    """

    spec = MetricSpec(
        name="dnsmos",
        tag="p835",
        summary="MOS 1 to 5 of speech in noise, no reference; DNSMOS P.835, overall",
        domain="speech",
        needs_reference=False,
        sample_rate=_RATE,
        channels=1,
        shortest=0.25,
        scale=Scale(1.0, 5.0),
        listens_to_level=True,
        licence="MIT (Microsoft, with the weights)",
        citation=(
            "C. Reddy et al., DNSMOS P.835: A non-intrusive perceptual objective speech quality"
            " metric to evaluate noise suppressors, ICASSP 2022"
        ),
    )

    @classmethod
    def find_weights(cls) -> Path:
        """Return the network of the package speechmos."""
        package = _find_package("speechmos")
        if package is None:
            raise MissingDependencyError("speechmos", extra="peers")
        return package / "dnsmos_models" / "sig_bak_ovr.onnx"

    def __init__(self) -> None:
        content = self.find_weights().read_bytes()
        self.model_sha256 = hashlib.sha256(content).hexdigest()
        options = onnxruntime.SessionOptions()
        # As our own models run: files go side by side, and sums keep their order.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def _measure(self, samples: Samples) -> float:
        # Resampling may overshoot full scale, beyond which the package refuses samples.
        samples = np.clip(samples, -1.0, 1.0)
        length = int(_WINDOW * _RATE)
        while samples.size < length:
            samples = np.append(samples, samples)
        hops = int(samples.size // _RATE - _WINDOW) + 1
        raw = []
        for hop in range(hops):
            part = samples[hop * _RATE : int((hop + _WINDOW) * _RATE)]
            # Rounding leaves some windows (the eighth to the 24th) a sample short: the package
            # skips those.
            if part.size == length:
                (answer,) = self._session.run(None, {"input_1": part[np.newaxis]})
                raw.append(float(answer[0][2]))
        return float(np.mean(np.polyval(_POLYNOMIAL, raw)))


class DistillMos(Peer):
    """MOS 1 to 5 of DistillMOS, a small network that learned from one built on wav2vec 2.0 XLS-R.

    It hears 7.68 s at a time, at its own peak; shorter recordings are padded with silence.

    Raises `MissingDependencyError` without torch, `ConfigError` without the packages, which belong
    to no extra: they ask for torchaudio, which they need for reading files only. Source: B. Stahl
    and H. Gamper, "Distillation and Pruning for Scalable Self-Supervised Representation-Based
    Speech Quality Assessment", ICASSP 2025.
    """

    spec = MetricSpec(
        name="distill-mos",
        tag="v7",
        summary="MOS 1 to 5 of speech, no reference; DistillMOS",
        domain="speech",
        needs_reference=False,
        sample_rate=_RATE,
        channels=1,
        shortest=0.25,
        scale=Scale(1.0, 5.0),
        listens_to_level=False,
        licence="MIT (Microsoft, with the weights)",
        citation=(
            "B. Stahl and H. Gamper, Distillation and Pruning for Scalable Self-Supervised"
            " Representation-Based Speech Quality Assessment, ICASSP 2025"
        ),
    )

    @classmethod
    def find_weights(cls) -> Path:
        """Return the network of the package distillmos."""
        if _find_package("torch") is None:
            raise MissingDependencyError("torch", extra="train")
        package = _find_package("distillmos")
        if package is None or _find_package("xls_r_sqa") is None:
            raise ConfigError(_NO_DISTILLMOS)
        return package / "weights" / "distill_mos_v7.pt"

    def __init__(self) -> None:
        self.model_sha256 = hashlib.sha256(self.find_weights().read_bytes()).hexdigest()
        self._torch = import_module("torch")
        network = _import_distillmos().ConvTransformerSQAModel
        with redirect_stdout(StringIO()):  # It would print the path of its weights.
            self._network = network().eval()

    def _measure(self, samples: Samples) -> float:
        with self._torch.inference_mode():
            return float(self._network(self._torch.from_numpy(samples)[None]))


PEERS: Final[Mapping[str, type[Peer]]] = MappingProxyType(
    {name: peer for peer in (Dnsmos, DistillMos) for name in (peer.spec.name, peer.spec.full_name)}
)
"""Metrics by their name, and by `name.tag`."""


@lru_cache(maxsize=2)
def load_peer(name: str) -> Peer:
    """Return a metric of `PEERS`, ready to run.

    Raises `MissingDependencyError` or `ConfigError` when a package that it needs is not installed.
    """
    return PEERS[name]()


def _find_package(name: str) -> Path | None:
    found = find_spec(name)
    return None if found is None or found.origin is None else Path(found.origin).parent


def _import_distillmos() -> ModuleType:
    """Import the network of distillmos, with nothing in the place of torchaudio if it is missing.

    The package reads files by torchaudio on its command line only, but imports it always.
    """
    missing = find_spec("torchaudio") is None
    if missing:
        sys.modules["torchaudio"] = ModuleType("torchaudio")
    try:
        return import_module("distillmos.sqa")
    except ImportError as error:
        raise ConfigError(_NO_DISTILLMOS) from error
    finally:
        if missing:
            del sys.modules["torchaudio"]
