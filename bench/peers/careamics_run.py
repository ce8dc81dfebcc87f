"""Runs CAREamics on one set: `python -m bench.peers.careamics_run METHOD INPUT OUTPUT --budget-s 100`.

Methods: `careamics-n2v`, `careamics-n2v2`, `careamics-struct` (told the direction, with the longest mask that CAREamics
allows). Its own defaults throughout, but for patches of 64 px in batches of 16, which serve it better here than smaller
ones. Training ends with the step at which the budget is spent.

Axes: S samples, Y rows, X columns.
"""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench import protocol
from bench.peers.careamics_import import Callback, CAREamist, create_advanced_n2v_config

LONGEST_SPAN_PX = 15
ENDLESS = 100_000


class Budget(Callback):  # type: ignore[misc]
    """Ends the training when the CPU-seconds are spent, and counts the steps."""

    def __init__(self, budget_s: float) -> None:
        self.num_steps = 0
        self._end_s = time.process_time() + budget_s

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Called by Lightning after each step."""
        self.num_steps += 1
        if time.process_time() >= self._end_s:
            trainer.should_stop = True
            trainer.limit_val_batches = 0


def trained(question: protocol.Question, budget: Callback, folder: str, **shape: Any) -> CAREamist:
    """A CAREamist after its training."""
    structured = question.method == "careamics-struct"
    config = create_advanced_n2v_config(
        **{"patch_size": [64, 64], "batch_size": 16} | shape,
        experiment_name="bench",
        data_type="array",
        axes="SYX",
        num_epochs=ENDLESS,
        use_n2v2=question.method == "careamics-n2v2",
        augmentations=[] if structured else None,
        struct_n2v_axes=question.direction if structured else "none",
        struct_n2v_span=LONGEST_SPAN_PX,
        num_workers=0,
        trainer_params={"accelerator": "cpu", "enable_model_summary": False},
        seed=question.seed + 1,  # it takes no 0
    )
    careamist = CAREamist(config, work_dir=folder, callbacks=[budget], enable_progress_bar=False)
    careamist.train(train_data=question.noisy_ZYX.astype(np.float32))
    return careamist


def predicted(careamist: CAREamist, noisy_SYX: NDArray[np.generic], folder: str) -> NDArray[np.float32]:
    """The denoised stack, by the weights of the last step."""
    return predicted_with(last_weights(careamist, folder), careamist, noisy_SYX)


def last_weights(careamist: CAREamist, folder: str) -> Path:
    """Stores them: by itself it would predict with the best of the validations."""
    last = Path(folder) / "last.ckpt"
    careamist.trainer.save_checkpoint(last)
    return last


def predicted_with(last: Path, careamist: CAREamist, noisy_SYX: NDArray[np.generic]) -> NDArray[np.float32]:
    """The denoised stack, by stored weights."""
    predictions, _ = careamist.predict(noisy_SYX.astype(np.float32), checkpoint=last, batch_size=1)
    return np.concatenate([np.asarray(p, dtype=np.float32) for p in predictions]).reshape(noisy_SYX.shape)


def main() -> None:
    """Answers one question."""
    arguments = protocol.parser().parse_args()
    torch.set_num_threads(1)
    question = protocol.read(arguments)
    watch = protocol.Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        with watch.running("train_cpu_s"):
            budget = Budget(question.budget_s)
            careamist = trained(question, budget, folder)
        with watch.running("denoise_cpu_s"):
            denoised_ZYX = predicted(careamist, question.noisy_ZYX, folder)
    answer = protocol.Answer(
        denoised_ZYX,
        seconds=watch.seconds,
        notes={"steps": budget.num_steps},
        versions={name: importlib.metadata.version(name) for name in ("careamics", "torch")},
    )
    protocol.write(arguments.output, answer)


if __name__ == "__main__":
    main()
