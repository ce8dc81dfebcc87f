"""The speed of CAREamics: `python -m bench.peers.careamics_speed NUMBER SECONDS`, with the number of a shape.

Prints a line of JSON: once with as many features as Clearstack, once with as many parameters. Training is counted from the sixth step on, with everything that its loop does in between; its
validation is left out, as it is with Clearstack.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import protocol
from bench.peers.careamics_import import Callback
from bench.peers.careamics_run import last_weights, predicted_with, trained
from bench.shapes import DENOISED, SHAPES, SLICE_PX, WARM_UP_PX, WARM_UP_STEPS

STACK = Path(__file__).parents[1] / ".work" / "data" / "A" / "input"


class Timed(Callback):  # type: ignore[misc]
    """Notes when each step was done, and ends the training some CPU-seconds after the warm-up."""

    def __init__(self, seconds: float) -> None:
        self.times: list[float] = []
        self._seconds = seconds
        self._validating_s = 0.0

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Called by Lightning after each step."""
        self.times.append(time.process_time() - self._validating_s)
        if (
            len(self.times) > WARM_UP_STEPS + 2
            and self.times[-1] - self.times[WARM_UP_STEPS] >= self._seconds
        ):
            trainer.should_stop = True
            trainer.limit_val_batches = 0

    def on_validation_start(self, *_: Any) -> None:
        """Called by Lightning."""
        self._validating_s -= time.process_time()

    def on_validation_end(self, *_: Any) -> None:
        """Called by Lightning."""
        self._validating_s += time.process_time()


def figures(number: int, seconds: float, program: str, num_features: int) -> Iterator[dict[str, Any]]:
    """Training, and denoising where that is measured."""
    shape = SHAPES[number]
    arguments = protocol.parser().parse_args(["careamics-n2v", str(STACK), "."])
    with tempfile.TemporaryDirectory() as folder:
        timed = Timed(seconds)
        careamist = trained(
            protocol.read(arguments),
            timed,
            folder,
            patch_size=[shape.patch_size_px] * 2,
            batch_size=shape.batch_size,
            model_params={"depth": shape.num_layers, "num_channels_init": num_features},
        )
        num_steps = len(timed.times) - 1 - WARM_UP_STEPS
        yield {
            "key": f"train_{program}_{number}",
            "rate": num_steps * shape.batch_size / (timed.times[-1] - timed.times[WARM_UP_STEPS]),
            "parameters": sum(parameter.numel() for parameter in careamist.model.parameters()),
        }
        if number in DENOISED:
            weights = last_weights(careamist, folder)
            noisy_SYX = np.random.default_rng(0).normal(size=(1, SLICE_PX, SLICE_PX))
            predicted_with(weights, careamist, noisy_SYX[:, :WARM_UP_PX, :WARM_UP_PX])
            began = time.process_time()
            predicted_with(weights, careamist, noisy_SYX)
            megapixels_per_s = SLICE_PX**2 / 1e6 / (time.process_time() - began)
            yield {"key": f"denoise_{program}_{number}", "rate": megapixels_per_s}


def main() -> None:
    """Measures one shape."""
    number, seconds = int(sys.argv[1]), float(sys.argv[2])
    torch.set_num_threads(1)
    shape = SHAPES[number]
    programs = {"careamics-narrow": shape.num_features, "careamics": shape.features_of_careamics}
    found = [figure for name, width in programs.items() for figure in figures(number, seconds, name, width)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
