"""ONNX Runtime as every network here is run. It is named here alone.

Version 1.32 carries a library that reports its use to its makers, on Linux too: importing it leaves a file ``.ses``
with a number of its own in the temporary folder. Smilecam sends nothing anywhere, so that is turned off while it is
imported, and again by its own function for builds that do not know the variable. Where a program has imported it before
smilecam, that program's choice holds.
"""

from __future__ import annotations

from smilecam.errors import ModelFileError
from smilecam.opencv import variable_set

with variable_set("ORT_DISABLE_TELEMETRY", "1"):
    import onnxruntime

onnxruntime.disable_telemetry_events()


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """Load a network for the processor, with one thread and no messages.

    Args:
        content: of an ONNX file that may be trusted.

    Raises:
        ModelFileError: ONNX Runtime does not accept it.
    """
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
