"""Distribution packages as material: download, unpack, and open the archives inside.

Packages are only downloaded and unpacked into a cache folder, never installed.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from auricle.core.errors import ConfigError, DataError

_PROVIDED_BY = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "fluidsynth": "fluidsynth",
    "openmpt123": "openmpt123",
}
_WAD_MAGIC = (b"IWAD", b"PWAD")
_LUMP_SUFFIX = {b"MThd": ".mid", b"MUS\x1a": ".mus", b"OggS": ".ogg"}


@dataclass(frozen=True, slots=True)
class Lump:
    """One named entry of a WAD archive with its bytes."""

    name: str
    data: bytes

    @property
    def suffix(self) -> str:
        """File suffix its first four bytes call for, or the empty string."""
        return _LUMP_SUFFIX.get(self.data[:4], "")


def run_tool(
    command: Sequence[str | Path],
    *,
    timeout: float = 600.0,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a command-line tool and return its standard output.

    `variables` change its environment. Raises `ConfigError` when the tool is not installed (saying
    what to install) and `DataError` when it fails or takes longer than `timeout` seconds.

    >>> run_tool(["true"])
    ''
    """
    name = str(command[0])
    path = shutil.which(name)
    if path is None:
        package = _PROVIDED_BY.get(name, name)
        raise ConfigError(f"{name} is not installed: apt-get install {package}")
    arguments = [path, *map(str, command[1:])]
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, errors="replace",
            timeout=timeout, cwd=folder, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **(variables or {})},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{name} took longer than {timeout:g} s") from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise DataError(f"{name} failed: {' '.join(last) or f'exit status {done.returncode}'}")
    return done.stdout


def fetch_package(name: str, version: str | None, cache: Path) -> Path:
    """Download a Debian package, unpack it with its inner archives, and return the folder.

    `version` pins the version; what is in `cache` already is not fetched again. Raises
    `ConfigError` without apt or dpkg, and `DataError` when the package cannot be had.
    """
    label = quote(f"{name}_{version or 'any'}", safe="_+~.-")
    unpacked = cache / "unpacked" / label
    if unpacked.is_dir():
        return unpacked
    archive = _download(name, version, cache / "packages")
    partial = unpacked.with_name(f"{label}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    run_tool(["dpkg-deb", "-x", archive, partial])
    expand_archives(partial)
    partial.rename(unpacked)
    return unpacked


def expand_archives(folder: Path) -> list[Path]:
    """Unpack every .pk3, .zip and .wad below `folder` into a folder `<archive>.d` beside it.

    Of a WAD only the music lumps are written. Returns the new folders in sorted order.

    >>> import tempfile
    >>> expand_archives(Path(tempfile.mkdtemp()))
    []
    """
    expanded = []
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        if not path.is_file() or suffix not in {".pk3", ".zip", ".wad"}:
            continue
        target = path.with_name(f"{path.name}.d")
        target.mkdir(exist_ok=True)
        if suffix == ".wad":
            for lump in read_wad(path):
                if lump.suffix:
                    (target / f"{lump.name}{lump.suffix}").write_bytes(lump.data)
        else:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(target)
        expanded.append(target)
    return expanded


def read_wad(path: Path) -> list[Lump]:
    """Read the lumps of a Doom WAD archive, in directory order.

    Raises `DataError` when the file is not a WAD or its directory points outside it.
    """
    data = path.read_bytes()
    if len(data) < 12 or data[:4] not in _WAD_MAGIC:
        raise DataError(f"{path} is not a WAD archive")
    count, start = struct.unpack_from("<ii", data, 4)
    if count < 0 or start < 0 or start + 16 * count > len(data):
        raise DataError(f"{path} is damaged: its directory lies outside the file")
    lumps = []
    for index in range(count):
        offset, size, name = struct.unpack_from("<ii8s", data, start + 16 * index)
        if offset < 0 or size < 0 or offset + size > len(data):
            raise DataError(f"{path} is damaged: lump {index} lies outside the file")
        text = name.split(b"\0", 1)[0].decode("ascii", errors="replace")
        # A lump name is data from outside: it must not become a path.
        lumps.append(Lump(text.replace("/", "_").replace("\\", "_"), data[offset : offset + size]))
    return lumps


def _download(name: str, version: str | None, folder: Path) -> Path:
    # apt writes the colon of an epoch as %3a.
    pattern = f"{name}_{version.replace(':', '%3a') if version else '*'}_*.deb"
    if found := sorted(folder.glob(pattern)):
        return found[-1]
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}"
    partial.mkdir(exist_ok=True)
    try:
        wanted = f"{name}={version}" if version else name
        run_tool(["apt-get", "download", "--quiet", wanted], folder=partial, timeout=3600.0)
        for path in partial.glob("*.deb"):
            path.rename(folder / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if found := sorted(folder.glob(pattern)):
        return found[-1]
    raise DataError(f"apt-get download gave no package {wanted}")
