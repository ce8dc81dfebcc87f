"""`python -m clearstack_trainer.compute FOLDER`: the computation itself, in a process of its own.

See `clearstack_trainer.child` for how it speaks with the trainer, `clearstack_trainer.plan` for what it is told.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from clearstack_common.cores import usable_cores
from clearstack_engine import processor
from clearstack_engine.config import StageConfig
from clearstack_engine.errors import EngineError, OutOfMemoryError
from clearstack_engine.model.files import add_trained_on
from clearstack_engine.model.trained_on import TrainedOn
from clearstack_engine.training import EpochReport, StageTrainer, StepProgress
from clearstack_stacks.reading import StackReader

from clearstack_trainer.plan import PLAN

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
    try:
        compute(Path(sys.argv[1]), channel)
    except OutOfMemoryError as error:
        channel.say(
            "failed", reason="OUT_OF_MEMORY", message=f"{error} Reduce the batch size or the patch size."
        )
    except EngineError as error:
        channel.say("failed", reason="COMPUTATION_FAILED", message=str(error))


if __name__ == "__main__":
    main()
