"""The speed of CAREamics: `python -m bench.peers.careamics_speed NUMBER SECONDS`, with the number of a shape.

Prints a line of JSON. Training is counted from the sixth step on, with everything that its loop does in between.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import protocol
from bench.peers.careamics_run import Budget, predicted, trained
from bench.shapes import DENOISED, SHAPES, SLICE_PX, WARM_UP_STEPS

STACK = Path(__file__).parents[1] / ".work" / "data" / "A" / "input"


class Timed(Budget):
    """Notes when each step was done."""

    def __init__(self, budget_s: float) -> None:
        super().__init__(budget_s)
        self.times: list[float] = []

    def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
        """Called by Lightning after each step."""
        self.times.append(time.process_time())
        if len(self.times) > WARM_UP_STEPS + 2:
            super().on_train_batch_end(trainer, *rest)


def main() -> None:
    """Measures one shape."""
    number, seconds = int(sys.argv[1]), float(sys.argv[2])
    torch.set_num_threads(1)
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
            model_params={"depth": shape.num_layers, "num_channels_init": shape.num_features},
        )
        figures = [
            {
                "key": f"train_careamics_{number}",
                "rate": (len(timed.times) - 1 - WARM_UP_STEPS)
                * shape.batch_size
                / (timed.times[-1] - timed.times[WARM_UP_STEPS]),
                "parameters": sum(parameter.numel() for parameter in careamist.model.parameters()),
            }
        ]
        if number in DENOISED:
            noisy_SYX = np.random.default_rng(0).normal(size=(1, SLICE_PX, SLICE_PX))
            began = time.process_time()
            predicted(careamist, noisy_SYX, folder)
            megapixels_per_s = SLICE_PX**2 / 1e6 / (time.process_time() - began)
            figures.append({"key": f"denoise_careamics_{number}", "rate": megapixels_per_s})
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
