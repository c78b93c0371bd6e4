"""Choice of the device that trains."""

from __future__ import annotations

import torch

from smilecam.errors import TrainingError

CHOICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str) -> tuple[torch.device, str]:
    """Choose a device.

    Args:
        wanted: one of ``CHOICES``.

    Returns:
        The device and the reason of the choice.

    Raises:
        TrainingError: the wanted device is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted != "auto":
        if not available[wanted]:
            raise TrainingError(f"device {wanted} is not available here: choose auto or cpu")
        return torch.device(wanted), f"{wanted}, as asked"
    if available["cuda"]:
        return torch.device("cuda"), f"cuda: {torch.cuda.get_device_name()} is available"
    if available["mps"]:
        return torch.device("mps"), "mps: no CUDA device, but Apple's Metal is available"
    return torch.device("cpu"), "cpu: neither a CUDA device nor Apple's Metal is available"
