"""The state of a run after an epoch: one NumPy archive without pickle, written atomically."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from smilecam.errors import TrainingError
from smilecam.storage import whole_or_absent
from smilecam.training.engine import TrainState


def save_checkpoint(path: Path, state: TrainState, epoch: int) -> None:
    """Write weights, optimizer state and weight average after ``epoch``.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays = {f"model/{name}": value.cpu().numpy() for name, value in state.model.state_dict().items()}
    for row, values in state.optimizer.state_dict()["state"].items():
        arrays |= {f"optimizer/{row}/{name}": value.cpu().numpy() for name, value in values.items()}
    if state.ema:
        arrays |= {f"average/{name}": value.cpu().numpy() for name, value in state.ema.module.state_dict().items()}
        arrays["average_steps"] = np.array(state.ema_steps)
    with whole_or_absent(path) as temporary, temporary.open("wb") as file:
        np.savez(file, epoch=np.array(epoch), **arrays)


def load_checkpoint(path: Path, state: TrainState) -> int:
    """Restore a saved state.

    Args:
        path: of the checkpoint.
        state: of a run by the same recipe; changed in place.

    Returns:
        The epoch after which it was saved.

    Raises:
        TrainingError: the file is damaged, or of another network.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            if not isinstance(saved, np.lib.npyio.NpzFile):
                raise ValueError("one array, not a checkpoint")
            arrays = {name: torch.from_numpy(saved[name]) for name in saved.files}
        state.model.load_state_dict(_below("model/", arrays))
        _load_optimizer(state.optimizer, _below("optimizer/", arrays))
        if state.ema:
            state.ema.module.load_state_dict(_below("average/", arrays))
            state.ema_steps = int(arrays["average_steps"])
        return int(arrays["epoch"])
    except (OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(f"the checkpoint {path} is damaged or belongs to another recipe") from error


def _below(prefix: str, arrays: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, arrays: dict[str, torch.Tensor]) -> None:
    fresh = optimizer.state_dict()
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in arrays.items():
        row, _, key = name.partition("/")
        state.setdefault(int(row), {})[key] = value
    optimizer.load_state_dict({**fresh, "state": state})
