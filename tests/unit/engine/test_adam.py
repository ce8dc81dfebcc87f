"""The optimiser: PyTorch's own sums, without its compiler."""

import subprocess
import sys

import torch
from clearstack_engine.training.adam import Adam
from torch import nn


def _network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 1, 3))


def _train(network: nn.Module, adam: Adam, first_step: int, num_steps: int) -> None:
    for step in range(first_step, first_step + num_steps):
        adam.forget_gradients()
        images = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(step))
        network(images).square().mean().backward()
        adam.step(learning_rate=0.01 / (1 + step))


def test_it_moves_as_pytorch_s_own_bit_for_bit() -> None:
    """Five steps with a learning rate that changes, as the schedule's does."""
    ours, theirs = _network(), _network()
    _train(ours, Adam(ours.parameters()), 0, 5)
    optimizer = torch.optim.Adam(theirs.parameters(), fused=True)
    for step in range(5):
        optimizer.zero_grad()
        images = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(step))
        theirs(images).square().mean().backward()
        optimizer.param_groups[0]["lr"] = 0.01 / (1 + step)
        optimizer.step()
    for mine, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, reference)


def test_a_stored_state_goes_on_as_if_nothing_had_happened() -> None:
    """As a checkpoint keeps it."""
    whole, halves = _network(), _network()
    _train(whole, Adam(whole.parameters()), 0, 6)
    first = Adam(halves.parameters())
    _train(halves, first, 0, 3)
    second = Adam(halves.parameters())
    second.load_state_dict({name: [t.clone() for t in ts] for name, ts in first.state_dict().items()})
    _train(halves, second, 3, 3)
    for one, other in zip(whole.parameters(), halves.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_training_does_without_the_compiler() -> None:
    """Loading it would take longer than everything else that comes before a training's first step."""
    program = """
import sys
import numpy as np
from clearstack_engine.config import StageConfig
from clearstack_engine.training import StageTrainer
stack = np.random.default_rng(0).normal(size=(2, 32, 32)).astype(np.float32)
config = StageConfig(num_features=8, num_layers=1, num_epochs=1, patches_per_slice=4, patch_size_px=16, seed=0)
assert len(list(StageTrainer(stack, config, device="cpu").epochs())) == 1
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
