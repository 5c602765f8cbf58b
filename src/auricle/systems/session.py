"""A bundle's network in ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auricle.core.errors import BundleError

if TYPE_CHECKING:
    from auricle.systems.bundle import BundleFiles


def open_session(bundle: BundleFiles) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
    """Return an inference session; raises `BundleError` for what cannot be run."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as problems

    options = onnxruntime.SessionOptions()
    # One thread per file: files run side by side, and sums keep their order.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            bundle.onnx, options, providers=["CPUExecutionProvider"]
        )
    except (problems.Fail, problems.InvalidProtobuf, problems.InvalidGraph) as error:
        raise BundleError(f"{bundle.onnx} is no model ONNX Runtime can run: {error}") from error
