import hashlib
import json
from pathlib import Path

import pytest

from auricle.core.errors import BundleError
from auricle.heads.calibration import Calibration
from auricle.heads.density import Contrast, Density
from auricle.systems.bundle import Bundle, read_bundle, save_bundle
from auricle.training.recipe import load_recipe

CONFIG = load_recipe("codec-music").system
CALIBRATION = Calibration(coverage=0.9, scale=1.6, temperature=1.0, clips=100)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return save_bundle(
        tmp_path / "bundle", CONFIG, CALIBRATION, onnx=b"network", weights=b"weights", card="Card."
    )


def test_what_was_saved_is_read(bundle: Bundle) -> None:
    read = read_bundle(bundle.folder)
    assert read == bundle
    assert read.config == CONFIG
    assert read.calibration == CALIBRATION
    assert read.onnx.read_bytes() == b"network"
    assert read.model_sha256 == read.checksums["model.onnx"]


def test_saving_again_replaces_everything(bundle: Bundle) -> None:
    save_bundle(bundle.folder, CONFIG, CALIBRATION, weights=b"other")
    read = read_bundle(bundle.folder)
    assert read.weights.read_bytes() == b"other"
    assert not (bundle.folder / "model.onnx").exists()
    assert read.model_sha256 == read.checksums["weights.safetensors"]
    with pytest.raises(BundleError, match=r"holds no model\.onnx"):
        _ = read.onnx


def test_the_identity_is_of_all_but_the_card(tmp_path: Path) -> None:
    def save(calibration: Calibration, **contents: bytes | str) -> Bundle:
        return save_bundle(tmp_path / "b", CONFIG, calibration, **contents)  # type: ignore[arg-type]

    one = save(CALIBRATION, onnx=b"network")
    assert save(CALIBRATION, onnx=b"network", card="Card.").identity == one.identity
    recalibrated = save(CALIBRATION.model_copy(update={"scale": 2.0}), onnx=b"network")
    assert recalibrated.model_sha256 == one.model_sha256
    assert len({x.identity for x in (one, recalibrated, save(CALIBRATION, onnx=b"n"))}) == 3


@pytest.mark.parametrize(
    "name", ["system.yaml", "model.onnx", "weights.safetensors", "calibration.json", "card.md"]
)
def test_an_altered_or_missing_file_is_noticed(bundle: Bundle, name: str) -> None:
    path = bundle.folder / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BundleError, match=f"{name} was altered"):
        read_bundle(bundle.folder)
    path.unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        read_bundle(bundle.folder)


def test_a_density_comes_back_and_only_where_there_is_one(bundle: Bundle) -> None:
    assert bundle.density is None
    contrast = Contrast(weights=(0.1, -2.5e-7), offset=3.0)
    density = Density(contrasts={"speech": contrast}, threshold=1.5, false_alarms=0.01, clips=99)
    saved = save_bundle(
        bundle.folder, CONFIG, CALIBRATION, onnx=b"network", density=density, card="Card."
    )
    assert read_bundle(saved.folder).density == saved.density == density
    assert saved.identity != bundle.identity


def test_a_density_that_is_not_understood_is_told(bundle: Bundle) -> None:
    path, text = bundle.folder / "density.json", b'{"contrasts": {}}'
    path.write_bytes(text)
    with pytest.raises(BundleError, match=r"density\.json has no checksum"):
        read_bundle(bundle.folder)
    change_checksums(bundle, {"density.json": hashlib.sha256(text).hexdigest()})
    with pytest.raises(BundleError, match=r"density\.json is not understood"):
        _ = read_bundle(bundle.folder).density


def change_checksums(bundle: Bundle, change: dict[str, object | None]) -> None:
    path = bundle.folder / "checksums.json"
    entries = json.loads(path.read_text()) | change
    path.write_text(json.dumps({k: v for k, v in entries.items() if v is not None}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"../../etc/passwd": "0"}, "no bundle of this version holds"),
        ({"code.py": "0"}, "no bundle of this version holds"),
        ({"system.yaml": None}, r"does not list system\.yaml"),
        ({"card.md": None}, "has no checksum"),
        ({"model.onnx": None, "weights.safetensors": None}, "lists neither"),
        ({"model.onnx": 7}, "must map file names to checksums"),
    ],
)
def test_wrong_lists_of_files_are_refused(
    bundle: Bundle, change: dict[str, object | None], message: str
) -> None:
    change_checksums(bundle, change)
    with pytest.raises(BundleError, match=message):
        read_bundle(bundle.folder)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no model bundle"):
        read_bundle(tmp_path)
    (tmp_path / "checksums.json").write_text("{")
    with pytest.raises(BundleError, match="is not JSON"):
        read_bundle(tmp_path)


def test_an_unknown_key_in_the_configuration_is_refused(tmp_path: Path) -> None:
    newer = CONFIG.model_copy(update={"encoder": CONFIG.encoder.model_copy(update={"stem": -1})})
    save_bundle(tmp_path / "bundle", newer, CALIBRATION, onnx=b"network")
    with pytest.raises(BundleError, match=r"system\.yaml is not understood"):
        read_bundle(tmp_path / "bundle")


def test_a_bundle_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="an ONNX model, weights, or both"):
        save_bundle(tmp_path / "bundle", CONFIG, CALIBRATION)
