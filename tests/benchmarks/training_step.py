"""One gradient step of a trunk by itself, for the processor and for a CUDA device."""

from __future__ import annotations

from collections.abc import Callable

import torch

from agents.networks import build_trunk

FRAME = (1, 64, 64)


def training_step(
    trunk: str, batch: int, *, latent_dim: int = 2, device: str = "cpu", precision: str = "float32"
) -> Callable[[], int]:
    """Forward, backward and Adam on images that lie on the device, prepared; a call says how many images it took."""
    network = build_trunk(trunk, FRAME, latent_dim, 128).to(device)
    if device != "cpu":
        network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    prepared = network.prepare(torch.randint(0, 256, (batch, *FRAME), dtype=torch.uint8, device=device))

    def step() -> int:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bfloat16"):
            latents = network.encode(prepared).float()
        latents.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return batch

    return step
