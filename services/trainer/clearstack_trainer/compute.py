"""`python -m clearstack_trainer.compute FOLDER`: the computation itself, in a process of its own.

See `clearstack_trainer.child` for how it speaks with the trainer, `clearstack_trainer.plan` for what it is told.
"""

import json
import os
import shutil
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from clearstack_common.cores import usable_cores
from clearstack_common.full_disk import is_full_disk
from clearstack_engine import processor
from clearstack_engine.config import StageConfig
from clearstack_engine.errors import EngineError, OutOfMemoryError
from clearstack_engine.model.files import add_trained_on
from clearstack_engine.model.trained_on import TrainedOn
from clearstack_engine.out_of_memory import is_out_of_memory
from clearstack_engine.training import EpochReport, StageTrainer, StepProgress
from clearstack_stacks.reading import StackReader

from clearstack_trainer.plan import PLAN

_FULL_BELOW_BYTES = 1 << 20
_NICENESS = 5  # the services beside us answer calls


class Channel:
    """The line to the trainer."""

    def __init__(self) -> None:
        self._answers = threading.Semaphore(0)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for _ in sys.stdin:
            self._answers.release()
        os._exit(1)  # the trainer is gone

    def say(self, kind: str, **content: Any) -> None:
        """Tells something and waits until the trainer has dealt with it."""
        sys.stdout.write(json.dumps({"kind": kind, **content}) + "\n")
        sys.stdout.flush()
        self._answers.acquire()


def compute(folder: Path, channel: Channel) -> None:
    """Trains as the plan in the folder says."""
    plan = json.loads((folder / PLAN).read_text())
    with StackReader(plan["stack"]) as reader:
        stack_ZYX = reader.map_slices(folder)
    trainer = StageTrainer(
        stack_ZYX,
        StageConfig(**plan["config"]),
        mask_ZYX=np.load(plan["mask"], allow_pickle=False) if plan["mask"] else None,
        resume_from=Path(plan["checkpoint"]) if plan["checkpoint"] else None,
        on_step=lambda step: _say_step(channel, step),
    )
    last = asdict(trainer.history[-1]) if trainer.history else None
    channel.say("started", device=trainer.device_name, resumed=trainer.start_epoch - 1, last_epoch=last)
    for report in trainer.epochs():
        checkpoint = folder / f"checkpoint-{report.epoch}.pt"
        trainer.save_checkpoint(checkpoint)
        channel.say(
            "epoch",
            checkpoint=str(checkpoint),
            gpu_memory_bytes=processor.gpu_memory_bytes(),
            **asdict(report),
        )
    _say_trained(channel, trainer, folder / "model", plan["config"], TrainedOn.of(stack_ZYX))


def _say_step(channel: Channel, step: StepProgress) -> None:
    if step.step < step.num_steps:
        channel.say("step", **asdict(step))


def _say_trained(
    channel: Channel, trainer: StageTrainer, folder: Path, config: dict[str, Any], trained_on: TrainedOn
) -> None:
    folder.mkdir(exist_ok=True)
    trainer.save_model(folder)
    add_trained_on(folder, trained_on)
    history = [asdict(report) for report in trainer.history]
    (folder / "config.json").write_text(json.dumps({"stage": config, "history": history}, indent=1))
    last: EpochReport = trainer.history[-1]
    channel.say(
        "trained",
        folder=str(folder),
        num_epochs_done=last.epoch,
        best_val_loss=last.best_val_loss,
        stopped_early=last.stopped_early,
        noise_std=trained_on.noise_std,
    )


def main() -> None:
    """Runs the computation; failures that we know are said, all others end the process."""
    os.nice(_NICENESS)
    processor.prepare(usable_cores())
    channel = Channel()
    folder = Path(sys.argv[1])
    try:
        compute(folder, channel)
    except Exception as error:
        if (known := failure(error, folder)) is None:
            raise
        reason, message = known
        channel.say("failed", reason=reason, message=message)


def failure(error: Exception, folder: Path) -> tuple[str, str] | None:
    """The reason and the advice for a failure that we know; None for any other."""
    if isinstance(error, OutOfMemoryError):
        return "OUT_OF_MEMORY", f"{error} Reduce the batch size or the patch size."
    if is_out_of_memory(error):
        return "OUT_OF_MEMORY", (
            "The memory of this machine is used up. Reduce the batch size, the patch size or the features, use a "
            "smaller stack, or train where there is more memory."
        )
    if _is_full(error, folder):
        return "OUT_OF_SPACE", (
            "The disk of the trainer's scratch folder is full. Make room (about twice the stack, and a checkpoint), then "
            "try again."
        )
    return ("COMPUTATION_FAILED", str(error)) if isinstance(error, EngineError) else None


def _is_full(error: Exception, folder: Path) -> bool:
    # Torch tells a full disk in words of its own: then it is the room that is left which tells.
    is_torchs = isinstance(error, RuntimeError) and shutil.disk_usage(folder).free < _FULL_BELOW_BYTES
    return is_torchs or is_full_disk(error)


if __name__ == "__main__":
    main()
