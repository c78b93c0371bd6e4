"""Applying a calibration: from a network's log odds to probabilities. Calibrations are fitted in ``evaluation``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from smilecam.presets import Calibration


def logistic(log_odds: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Probabilities (float64) from log odds, of the same shape, without overflow."""
    return 0.5 * (1 + np.tanh(np.asarray(log_odds, np.float64) / 2))


def calibrated_log_odds(calibration: Calibration, outputs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Log odds of a smile: (n, outputs) log odds in, float64 (n,) out."""
    return np.asarray(outputs @ np.asarray(calibration.weights) + calibration.offset, np.float64)


def apply_calibration(calibration: Calibration, outputs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Probabilities of a smile: (n, outputs) log odds in, float64 (n,) out."""
    return logistic(calibrated_log_odds(calibration, outputs))
