"""Runs Clearstack on one set, in .venv: `python -m bench.clearstack_run METHOD INPUT OUTPUT --budget-s 100`.

Methods: `clearstack-n2v`, `clearstack-n2v-2.5d`; `clearstack-auto` (stage 1, mask, stage 2; the budget is for all of
it), `clearstack-same-mask` (that stage 2 alone, told the true mask: the price of a mask that is not quite right), and
`clearstack-told` (the whole budget for a stage 2 that is told the true mask: the price of automation).

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clearstack_engine.analysis import CorrelationMeter, MaskExtractorConfig, extract_mask
from clearstack_engine.config import StageConfig
from clearstack_engine.denoising import load_denoiser, triplet
from clearstack_engine.training import StageTrainer
from numpy.typing import NDArray

from bench import protocol
from bench.ablations import ABLATIONS
from bench.budget import epochs_within, stage_1_share
from bench.settings import Settings
from bench.shapes import WARM_UP_STEPS
from bench.steps import step_times

Stack = NDArray[np.generic]
Mask = NDArray[np.bool_]

CALIBRATION_S = 4.0
VALIDATION_SHARE = 0.03


class Runner:
    """One method on one stack; keeps time."""

    def __init__(self, question: protocol.Question, settings: Settings, work: Path) -> None:
        self.notes: dict[str, Any] = {}
        self.watch = protocol.Stopwatch()
        self._question = question
        self._noisy_ZYX = question.noisy_ZYX
        self._settings = settings
        self._work = work

    def run(self) -> NDArray[np.float32]:
        """Denoises the stack."""
        budget_s = self._question.budget_s
        method = self._question.method.removeprefix("clearstack-")
        if method in {"n2v", "n2v-2.5d"}:
            return self._denoised(self._train("n2v", self._settings.n2v(), budget_s))
        first, second = self._settings.stages()
        share = stage_1_share(_pixels(first), _pixels(second))
        true_mask_ZYX: Mask = self._question.told("mask")
        if method == "told":
            return self._denoised(self._train("stage2", second, budget_s, true_mask_ZYX))
        if method == "same-mask":
            return self._denoised(self._train("stage2", second, budget_s * (1 - share), true_mask_ZYX))
        if method != "auto":
            raise SystemExit(f"unknown method {method}")
        return self._automatic(first, second, budget_s, share)

    def _automatic(
        self, first: StageConfig, second: StageConfig, budget_s: float, share: float
    ) -> NDArray[np.float32]:
        model = self._train("stage1", first, budget_s * share)
        with self.watch.running("mask"):
            denoised_ZYX = self._apply(model)
            mask_ZYX = self._extract(denoised_ZYX)
        self.notes["mask_pixels"] = int(mask_ZYX.sum())
        self.notes["mask"] = [
            "".join(".#"[int(pixel)] for pixel in row) for row in mask_ZYX[len(mask_ZYX) // 2]
        ]
        if mask_ZYX.sum() == 1:  # as the product does: there is nothing for a second stage to do
            self.notes["stage2"] = "skipped"
            return denoised_ZYX
        left_s = budget_s - sum(self.watch.seconds.values())
        return self._denoised(self._train("stage2", second, left_s, mask_ZYX))

    def _extract(self, denoised_ZYX: NDArray[np.float32]) -> Mask:
        meter = CorrelationMeter(num_offset_slices=1)
        for noisy_YX, denoised_YX in zip(self._noisy_ZYX, denoised_ZYX, strict=True):
            meter.add(noisy_YX.astype(np.float32), denoised_YX)
        parameters = self._settings.mask()
        config = MaskExtractorConfig(
            adaptive_thresholding=parameters.adaptive_thresholding,
            base_percentile=parameters.base_percentile,
            percentile_decay=parameters.percentile_decay,
            max_masked_pixels=parameters.max_masked_pixels,
        )
        return extract_mask(meter.result(), config).mask_ZYX

    def _train(self, name: str, config: StageConfig, budget_s: float, mask_ZYX: Mask | None = None) -> Path:
        speed = patches_per_cpu_s(self._noisy_ZYX, config, mask_ZYX)
        length = epochs_within(
            budget_s,
            patches_per_s=speed * (1 - VALIDATION_SHARE),
            num_slices=len(self._noisy_ZYX),
            patches_per_slice=config.patches_per_slice,
        )
        config = replace(
            config,
            num_epochs=length.num_epochs,
            patches_per_slice=length.patches_per_slice,
            early_stopping=False,
        )
        self.notes[name] = {"epochs": length.num_epochs, "patches_per_slice": length.patches_per_slice}
        with self.watch.running(name):
            trainer = StageTrainer(self._noisy_ZYX, config, mask_ZYX=mask_ZYX, device="cpu")
            best = [report.epoch for report in trainer.epochs() if report.is_best]
            trainer.save_model(self._work / name)
        self.notes[name]["best_epoch"] = best[-1]
        return self._work / name

    def _denoised(self, model: Path) -> NDArray[np.float32]:
        with self.watch.running("denoise"):
            return self._apply(model)

    def _apply(self, model: Path) -> NDArray[np.float32]:
        denoiser = load_denoiser(model, "cpu")
        noisy_ZYX = self._noisy_ZYX
        wants_neighbours = denoiser.num_input_slices > 1
        return np.stack(
            [
                denoiser.denoise_slice(triplet(noisy_ZYX, z) if wants_neighbours else noisy_ZYX[z][None])
                for z in range(len(noisy_ZYX))
            ]
        )


def _pixels(config: StageConfig) -> float:
    return float(config.num_epochs * config.patches_per_slice * config.patch_size_px**2)


def patches_per_cpu_s(stack_ZYX: Stack, config: StageConfig, mask_ZYX: Mask | None) -> float:
    """The speed of the full loop, on a network that is thrown away afterwards; not part of any budget."""
    times = step_times(stack_ZYX, config, CALIBRATION_S, mask_ZYX)
    num_steps = len(times) - 1 - WARM_UP_STEPS
    return num_steps * config.batch_size / (times[-1] - times[WARM_UP_STEPS])


def main() -> None:
    """Answers one question."""
    parser = protocol.parser()
    parser.add_argument("--preset", default="fast", choices=["fast", "balanced", "high-quality"])
    parser.add_argument("--ablate", default="", choices=list(ABLATIONS), help="see bench/ablations.py")
    arguments: argparse.Namespace = parser.parse_args()
    torch.set_num_threads(1)
    question = protocol.read(arguments)
    settings = Settings(
        preset=arguments.preset,
        ablation=arguments.ablate,
        seed=arguments.seed,
        uses_neighbours=arguments.method.endswith("2.5d"),
    )
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(question, settings, Path(folder))
        denoised_ZYX = runner.run()
    seconds = runner.watch.seconds
    parts = {name: round(value, 2) for name, value in seconds.items()}
    answer = protocol.Answer(
        denoised_ZYX,
        seconds={
            "train_cpu_s": sum(seconds.values()) - seconds.get("denoise", 0.0),
            "denoise_cpu_s": seconds.get("denoise", 0.0),
        },
        notes=runner.notes | {"cpu_s": parts},
        versions={name: importlib.metadata.version(name) for name in ("clearstack", "torch")},
    )
    protocol.write(arguments.output, answer)


if __name__ == "__main__":
    main()
