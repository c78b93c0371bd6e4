"""ONNX Runtime as every network here is run. It is named here alone."""

from __future__ import annotations

import onnxruntime

from smilecam.errors import ModelFileError


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """Load a network for the processor, with one thread and no messages.

    Args:
        content: of an ONNX file that may be trusted.

    Raises:
        ModelFileError: ONNX Runtime does not accept it.
    """
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    # Networks this small lose more by waking threads than they gain.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # The runtime also takes a format of its own, which onnx_file cannot look through.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelFileError("is not a network that ONNX Runtime accepts") from error
