"""Measures speed: `python -m bench.speed [--rounds 3] [--seconds 10]`, in .venv; starts CAREamics in its own.

The full training loop, the same network in a bare loop of PyTorch (no data, no masks), denoising, and where each
percent of a training step goes. Rounds go through all of it in turn, and the median counts: what slows the machine for
a while slows all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clearstack_engine.config import StageConfig
from clearstack_engine.denoising import Denoiser
from clearstack_engine.device import Device
from clearstack_engine.model.files import ModelCard
from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.symmetry import ALL_SYMMETRIES

from bench import machine, records
from bench.profile_step import shares
from bench.run import DATA, PEERS_PYTHON, prepare
from bench.shapes import DENOISED, SHAPES, SLICE_PX, WARM_UP_PX, WARM_UP_STEPS, Shape
from bench.steps import step_times

BENCH = Path(__file__).parent
# A step of the largest network takes more than a CPU-second: many more of them would make hours of it.
FEWEST_STEPS = 4
Figures = dict[str, list[dict[str, Any]]]


def config_of(shape: Shape) -> StageConfig:
    """A training of this shape; the rest as N2V has it."""
    return StageConfig(
        patch_size_px=shape.patch_size_px,
        batch_size=shape.batch_size,
        num_features=shape.num_features,
        num_layers=shape.num_layers,
        learning_rate=1e-3,
        seed=0,
    )


def network_of(shape: Shape) -> UNet:
    """The network that such a training has."""
    network = UNet(Architecture.of(config_of(shape)))
    network.draw_weights(torch.Generator().manual_seed(0))
    return network


def rate(times: list[float], shape: Shape) -> float:
    """Patches per CPU-second, of the CPU-times after each step."""
    return (len(times) - 1 - WARM_UP_STEPS) * shape.batch_size / (times[-1] - times[WARM_UP_STEPS])


def bare_loop(shape: Shape, kind: str, seconds: float) -> float:
    """The network, its loss and the optimiser on the same random batch again and again."""
    layout = torch.contiguous_format if kind == "float32" else torch.channels_last
    network = network_of(shape).to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    side = shape.patch_size_px
    inputs_BCYX = torch.randn(shape.batch_size, 1, side, side).to(memory_format=layout)

    def context() -> AbstractContextManager[object]:
        return torch.autocast("cpu", dtype=torch.bfloat16) if kind == "bf16" else nullcontext()

    times = [time.process_time()]
    while (
        times[min(WARM_UP_STEPS, len(times) - 1)] + seconds > times[-1]
        or len(times) < WARM_UP_STEPS + 1 + FEWEST_STEPS
    ):
        optimizer.zero_grad()
        with context():
            outputs_BYX = network(inputs_BCYX)
        (outputs_BYX - inputs_BCYX[:, 0]).square().mean().backward()
        optimizer.step()
        times.append(time.process_time())
    return rate(times, shape)


def denoising(shape: Shape) -> float:
    """Megapixels per CPU-second."""
    card = ModelCard(
        architecture=Architecture.of(config_of(shape)),
        normalisation=Normalisation(mean=0.0, std=1.0),
        stage="single",
        symmetries=ALL_SYMMETRIES,
    )
    denoiser = Denoiser(network_of(shape), card, Device.choose("cpu"))
    slice_CYX = np.random.default_rng(0).normal(size=(1, SLICE_PX, SLICE_PX)).astype(np.float32)
    denoiser.denoise_slice(slice_CYX[:, :WARM_UP_PX, :WARM_UP_PX])
    began = time.process_time()
    denoiser.denoise_slice(slice_CYX)
    return SLICE_PX**2 / 1e6 / (time.process_time() - began)


def careamics(number: int, seconds: float) -> list[dict[str, Any]]:
    """The figures of CAREamics for a shape, from its own environment."""
    words = [str(PEERS_PYTHON), "-m", "bench.peers.careamics_speed", str(number), str(seconds)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(
        words, cwd=BENCH.parent, env=environment, check=True, capture_output=True, text=True
    )
    figures: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return figures


def one_round(numbers: list[int], seconds: float, tell: Callable[[dict[str, Any]], None]) -> None:
    """Measures everything once, of the shapes with these numbers."""
    stack_ZYX = np.load(DATA / "A" / "input" / "noisy.npy")
    for number in numbers:
        shape = SHAPES[number]
        parameters = sum(parameter.numel() for parameter in network_of(shape).parameters())

        def say(program: str, value: float, *, number: int = number, parameters: int = parameters) -> None:
            tell({"key": f"train_{program}_{number}", "rate": value, "parameters": parameters})

        for kind in ("float32", "channels_last", "bf16"):
            say(f"bare-{kind}", bare_loop(shape, kind, seconds))
        times = step_times(stack_ZYX, config_of(shape), seconds, fewest_steps=FEWEST_STEPS)
        say("clearstack", rate(times, shape))
        tell({"key": f"profile_{number}", "shares": shares(stack_ZYX, config_of(shape), seconds)})
        if number in DENOISED:
            tell({"key": f"denoise_clearstack_{number}", "rate": denoising(shape)})
        for figure in careamics(number, seconds):
            tell(figure)


def main() -> None:
    """Measures in rounds and records the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="CPU-seconds for each figure")
    everything = list(range(len(SHAPES)))
    parser.add_argument("--shapes", type=int, nargs="+", choices=everything, default=everything)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    prepare(None)
    found: Figures = {}

    def tell(figure: dict[str, Any]) -> None:
        found.setdefault(figure["key"], []).append(figure)
        record(found[figure["key"]])

    for number in range(arguments.rounds):
        one_round(arguments.shapes, arguments.seconds, tell)
        print(f"round {number + 1} of {arguments.rounds}", flush=True)


def record(figures: list[dict[str, Any]]) -> None:
    """Stores the median of one figure's rounds so far; where a step's time goes as in the last of them."""
    middle = figures[-1] | {"num_rounds": len(figures)}
    if "rate" in middle:
        middle |= {"rate": statistics.median(figure["rate"] for figure in figures)}
        print(f"{middle['key']:32} {middle['rate']:8.3f}", flush=True)
    about = {"machine": machine.describe(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
    records.add(BENCH / "results" / "speed.jsonl", middle | about)


if __name__ == "__main__":
    main()
