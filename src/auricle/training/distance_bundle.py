"""A trained distance as a bundle, exported where it can be, with a card."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save

from auricle.encoders.lora import merged_state
from auricle.systems.bundle import save_distance_bundle
from auricle.systems.distance import DistanceNetwork
from auricle.systems.distance_calibration import DistanceCalibration
from auricle.systems.distance_config import DistanceConfig
from auricle.systems.distance_export import export_distance
from auricle.training.export import try_export

# What the clips behind figures were to the training.
_SPLITS = {
    "test": "Its recordings were neither trained nor calibrated on.",
    "validation": "Its recordings chose the epoch, and the mapping was fitted on them.",
}


def write_distance(
    folder: Path,
    network: DistanceNetwork,
    config: DistanceConfig,
    calibration: DistanceCalibration,
    card: str,
) -> Path:
    """Write a bundle to `folder`: weights, adapters merged, and an ONNX model where torch can.

    Without one, scoring needs torch, as `auricle.training.export.try_export` tells.
    """
    onnx = try_export(lambda: export_distance(network, config), folder)
    weights = save({name: value.contiguous() for name, value in merged_state(network).items()})
    save_distance_bundle(folder, config, calibration, weights=weights, onnx=onnx, card=card)
    return folder


def write_card(config: DistanceConfig, facts: dict[str, object]) -> str:
    """Return the beginning of a model card in Markdown: what is known without a person.

    `facts` are those of `result.json`.
    """
    splits = {name: told for name in _SPLITS if isinstance(told := facts.get(name), dict)}
    training = {name: told for name, told in facts.items() if name not in splits}
    figures = "\n".join(
        f"## Figures on the {name} split\n\n{_SPLITS[name]} Correlations are of distances with"
        f" labels, 1 being perfect.\n\n{_table(told)}"
        for name, told in splits.items()
    )
    return f"""# {config.spec.full_name}

{config.summary}

Licence of the weights: {config.licence}. {config.citation}

No listener rated what it was trained on: reference metrics did. Its score is a distance from a
reference, mapped to 0..100, and tells how far a recording is from it, not how good that one is.

## Training

{_table(training)}
{figures}"""


def _table(facts: dict[str, object]) -> str:
    rows = (f"| {name} | {value} |\n" for name, value in _flatten(facts))
    return f"| what | value |\n|---|---|\n{''.join(rows)}"


def _flatten(tree: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            found += _flatten(value, f"{prefix}{name} ")
        elif value is not None:
            found.append((f"{prefix}{name}", value))
    return found
