"""The state of a run after an epoch, in one file without pickle, written whole or not at all."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from smilecam.errors import TrainingError
from smilecam.storage import whole_or_absent
from smilecam.training.engine import Learner


def save_checkpoint(path: Path, learner: Learner, epoch: int) -> None:
    """Write weights, optimizer state and running mean after ``epoch``.

    Raises:
        OutputError: it cannot be written.
    """
    arrays = {f"model/{name}": value.cpu().numpy() for name, value in learner.model.state_dict().items()}
    for row, state in learner.optimizer.state_dict()["state"].items():
        arrays |= {f"optimizer/{row}/{name}": value.cpu().numpy() for name, value in state.items()}
    if learner.average:
        arrays |= {f"average/{name}": value.cpu().numpy() for name, value in learner.average.values.items()}
        arrays["average_steps"] = np.array(learner.average.steps)
    with whole_or_absent(path) as temporary, temporary.open("wb") as file:
        np.savez(file, epoch=np.array(epoch), **arrays)


def load_checkpoint(path: Path, learner: Learner) -> int:
    """Put a saved state into a learner of the same recipe, and say after which epoch it was saved.

    Raises:
        TrainingError: the file is damaged, or belongs to another network.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved_arrays:
            if not isinstance(saved_arrays, np.lib.npyio.NpzFile):
                raise ValueError("one array, not a checkpoint")
            arrays = {name: torch.from_numpy(saved_arrays[name]) for name in saved_arrays.files}
        learner.model.load_state_dict(_below("model/", arrays))
        _load_optimizer(learner.optimizer, _below("optimizer/", arrays))
        if learner.average:
            saved = _below("average/", arrays)
            for name, value in learner.average.values.items():
                value.copy_(saved[name])
            learner.average.steps = int(arrays["average_steps"])
        return int(arrays["epoch"])
    except (OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(f"the checkpoint {path} is damaged or belongs to another recipe") from error


def _below(prefix: str, arrays: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, arrays: dict[str, torch.Tensor]) -> None:
    whole = optimizer.state_dict()
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in arrays.items():
        row, _, part = name.partition("/")
        state.setdefault(int(row), {})[part] = value
    optimizer.load_state_dict({**whole, "state": state})
