"""The training of one stage: lock, files, computation in a child process, artefacts, events.

A checkpoint is stored before its epoch is told, so that whoever watches never sees an epoch that could be lost. A
trainer that crashes, or loses the lock, leaves its checkpoints to the next holder; its own artefacts carry its fencing
token and are not accepted any more.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from clearstack.v1.event_pb2 import EpochAdvanced, EpochCompleted, Event, StageStarted, StageTrained
from clearstack.v1.job_pb2 import TrainStage
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack.v1.training_pb2 import EpochProgress, RunningEpoch
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.objects import FileCache
from clearstack_common.objects.settled import put_file_settled
from clearstack_common.worker import JobContext

from clearstack_trainer.checkpoints import Checkpoints
from clearstack_trainer.child import Child
from clearstack_trainer.lock import training_lock
from clearstack_trainer.plan import write_plan

_POLL_S = 0.3
_ADVANCE_EVERY_S = 5.0

log = structlog.get_logger()


async def train_stage(context: JobContext) -> None:
    """Trains a stage while holding the installation's training lock."""
    async with training_lock(context) as token:
        await _Training(context, token).run()
        await _until_accepted(context)


async def _until_accepted(context: JobContext) -> None:
    """Keeps the lock until the result is part of the run's record: no other trainer can come in between."""
    while True:
        with contextlib.suppress(BackendUnavailableError):
            if not await context.is_wanted():
                return
        await asyncio.sleep(_POLL_S)


class _Training:
    """One holder's work on a stage."""

    def __init__(self, context: JobContext, token: int) -> None:
        self._context = context
        self._token = token
        self._work: TrainStage = context.job.train
        self._checkpoints = Checkpoints(context.store, self._work.object_prefix, token)
        self._advanced_at = 0.0
        self._device = ""

    async def run(self) -> None:
        folder = self._context.folder
        cache = FileCache(self._context.store, self._context.settings.scratch / "cache")
        stack = await cache.path(self._work.stack)
        mask = await cache.path(self._work.mask) if self._work.HasField("mask") else None
        checkpoint = await self._checkpoints.newest(folder / "resume.pt")
        write_plan(folder, self._work, stack, mask, checkpoint)
        try:
            async with Child(folder) as child:
                async for message in child.messages():
                    await self._on_message(message)
                    child.go_on()
        finally:
            self._forget_figures()

    def _forget_figures(self) -> None:
        """What is true only while something is computed."""
        metrics = self._context.metrics
        for gauge in (metrics.patches_per_second, metrics.loss, metrics.gpu_memory_bytes):
            gauge.clear()

    async def _on_message(self, message: Mapping[str, Any]) -> None:
        match message["kind"]:
            case "started":
                await self._started(message)
            case "step":
                await self._advanced(message)
            case "epoch":
                self._count(message)
                await self._checkpoints.store(Path(message["checkpoint"]), message["epoch"])
                await self._epoch_completed(message)
                self._context.draining.stop_here()
            case "trained":
                await self._trained(message)

    async def _started(self, message: Mapping[str, Any]) -> None:
        self._device = message["device"]
        log.info(
            "stage started",
            stage=self._work.stage,
            device=message["device"],
            resumed_epoch=message["resumed"],
        )
        notes = ["Trained on the CPU, which is slower than a GPU; the `fast` preset shortens it."]
        started = StageStarted(
            stage=self._work.stage,
            attempt=self._work.attempt,
            token=self._token,
            device=message["device"],
            resumed_epoch=message["resumed"],
            notes=notes if message["device"].startswith("cpu") else [],
        )
        await self._context.publish(Event(stage_started=started), f"started.{self._token}")
        if message["last_epoch"]:  # whoever crashed may have stored this epoch without telling
            await self._epoch_completed(message["last_epoch"])

    async def _advanced(self, message: Mapping[str, Any]) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._advanced_at < _ADVANCE_EVERY_S:
            return
        self._advanced_at = now
        advanced = EpochAdvanced(
            stage=self._work.stage,
            attempt=self._work.attempt,
            token=self._token,
            running=RunningEpoch(
                epoch=message["epoch"],
                epoch_count=message["num_epochs"],
                steps_done_count=message["step"],
                step_count=message["num_steps"],
            ),
        )
        what = f"epoch.{message['epoch']}.step.{message['step']}.{self._token}"
        await self._context.publish(Event(epoch_advanced=advanced), what)

    def _count(self, report: Mapping[str, Any]) -> None:
        metrics, stage = self._context.metrics, str(self._work.stage)
        metrics.epochs.labels(stage).inc()
        metrics.patches_per_second.labels(stage).set(report["patches_per_s"])
        metrics.loss.labels(stage, "training").set(report["train_loss"])
        metrics.loss.labels(stage, "validation").set(report["val_loss"])
        if report["gpu_memory_bytes"]:
            metrics.gpu_memory_bytes.labels(self._device).set(report["gpu_memory_bytes"])

    async def _epoch_completed(self, report: Mapping[str, Any]) -> None:
        self._advanced_at = asyncio.get_running_loop().time()
        progress = EpochProgress(
            epoch=report["epoch"],
            epoch_count=report["num_epochs"],
            training_loss=report["train_loss"],
            validation_loss=report["val_loss"],
            best_validation_loss=report["best_val_loss"],
            learning_rate=report["learning_rate"],
            patches_per_second=report["patches_per_s"],
            seconds_left=report["seconds_left"],
            notes=report["notes"],
        )
        completed = EpochCompleted(
            stage=self._work.stage, attempt=self._work.attempt, token=self._token, progress=progress
        )
        await self._context.publish(Event(epoch_completed=completed), f"epoch.{report['epoch']}")

    async def _trained(self, message: Mapping[str, Any]) -> None:
        trained = StageTrained(
            stage=self._work.stage,
            attempt=self._work.attempt,
            token=self._token,
            files=await self._store_model(Path(message["folder"])),
            epoch_count=message["num_epochs_done"],
            best_validation_loss=message["best_val_loss"],
            stopped_early_epoch=message["num_epochs_done"] if message["stopped_early"] else 0,
            noise_standard_deviation=message["noise_std"],
        )
        await self._context.publish(Event(stage_trained=trained), f"trained.{self._token}")

    async def _store_model(self, folder: Path) -> list[StoredFile]:
        prefix = f"{self._work.object_prefix}/token{self._token}"
        files = [
            await put_file_settled(self._context.store, f"{prefix}/{path.name}", path)
            for path in sorted(folder.iterdir())
            if path.is_file()
        ]
        shutil.rmtree(folder)
        return files
