"""Made bjontegaard_deltas.json: `pip install bjontegaard==1.3.0` (FAU Erlangen), SciPy 1.17.1.

Curve "a" are the values of a demonstration of the Python port of Bjontegaard's metric that many
projects share (demo_bpcs.py, "Sample 3"); "b" is another four-point example from video coding;
"c" has unequal numbers of points, which overlap in part.
"""

import json
import sys
from typing import Any

CURVES = {
    "a": (
        ([85.95, 157.11, 309.58, 686.76], [31.42, 34.24, 37.18, 40.28]),
        ([112.75, 204.93, 407.8, 893.34], [31.24, 34.17, 37.21, 40.39]),
    ),
    "b": (
        ([1358.24, 2486.44, 4593.60, 9487.76], [34.851, 36.845, 38.615, 40.037]),
        ([1356.24, 2451.52, 4469.00, 9787.80], [34.987, 36.970, 38.651, 40.121]),
    ),
    "c": (
        ([16, 24, 32, 48, 64, 96, 128], [14.4, 22.0, 30.5, 38.4, 55.4, 74.2, 85.5]),
        ([15, 22, 31, 47, 66], [40.1, 52.3, 60.0, 77.7, 90.2]),
    ),
}


def make_rows() -> list[dict[str, Any]]:
    import bjontegaard

    freely = {"require_matching_points": False, "min_overlap": 0}
    return [
        {
            "curve": name,
            "anchor": anchor,
            "test": test,
            "interpolation": method,
            "rate": float(bjontegaard.bd_rate(*anchor, *test, method, **freely)),
            "quality": float(bjontegaard.bd_psnr(*anchor, *test, method, **freely)),
        }
        for name, (anchor, test) in CURVES.items()
        for method in ("cubic", "pchip", "akima")
    ]


if __name__ == "__main__":
    json.dump(make_rows(), sys.stdout, indent=1)
    sys.stdout.write("\n")
