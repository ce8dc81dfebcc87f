# Written by tools/unasync.py from its counterpart in _async: change that one.
"""Trainings: one learns from one stack."""

import math
import time
import uuid
from collections.abc import Iterator

from clearstack.v1.stack_service_pb2 import InspectStackRequest
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import (
    CancelTrainingRequest,
    CreateTrainingRequest,
    DeleteTrainingRequest,
    GetTrainingRequest,
    ListPresetsRequest,
    ListTrainingsRequest,
    PresetValues,
    WatchTrainingRequest,
    WatchTrainingResponse,
)

from clearstack_client import choices
from clearstack_client._sync.connection import Connection
from clearstack_client._sync.watching import resilient
from clearstack_client.choices import Config, Method, Mode, Preset
from clearstack_client.errors import translated
from clearstack_client.progress import TRAINING_OVER, OnProgress, ignore, of_training, require_trained

_TELL_EVERY_S = 0.2


class Trainings:
    """Runs in the background; names are `trainings/{id}`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        stack: str,
        *,
        method: Method = "n2v",
        mode: Mode | None = None,
        preset: Preset = "balanced",
        config: Config = None,
        auto_approve: bool = False,
        priority: int = 0,
        display_name: str = "",
        session: str = "",
        request_id: str = "",
    ) -> Training:
        """Starts a training on a stack.

        Args:
            stack: `stacks/{id}`.
            method: `n2v` or `autostructn2v`; `auto` has the stack measured and follows the recommendation.
            mode: `2d` or `2.5d`; default: 2d, with `auto` what is recommended.
            preset: How much time to take.
            config: What is to differ from the preset: {"stage1": {"epochs": 50}}.
            auto_approve: Go on with the mask that is found, without a review.
            priority: Higher goes first.
            display_name: For the lists.
            session: Groups models.
            request_id: The same id gives the same training; default: a new one.

        Raises:
            ClearstackError: `violations` names what is wrong.
        """
        calls = self._connection
        if method == "auto":
            inspection = calls.call(calls.stacks.InspectStack, InspectStackRequest(name=stack))
            chosen = inspection.inspection.recommendation
            number, view = chosen.method, choices.one_of(choices.MODES, mode, "mode") if mode else chosen.mode
        else:
            number = choices.one_of(choices.METHODS, method, "method")
            view = choices.one_of(choices.MODES, mode or "2d", "mode")
        request = CreateTrainingRequest(
            stack=stack,
            method=number,
            mode=view,
            preset=choices.one_of(choices.PRESETS, preset, "preset"),
            config=choices.config_of(config),
            auto_approve=auto_approve,
            priority=priority,
            display_name=display_name,
            session=session,
            request_id=request_id or uuid.uuid4().hex,
        )
        return (calls.call(calls.trainings.CreateTraining, request)).training

    def get(self, name: str) -> Training:
        """The training as it is now."""
        calls = self._connection
        return (calls.insist(calls.trainings.GetTraining, GetTrainingRequest(name=name))).training

    def list(self) -> Iterator[Training]:
        """Every training, newest first."""
        calls = self._connection
        request = ListTrainingsRequest(page_size=200)
        for each in calls.pages(calls.trainings.ListTrainings, request, "trainings"):
            yield each

    def watch(self, name: str, *, after_sequence: int = 0) -> Iterator[WatchTrainingResponse]:
        """A snapshot, every event since `after_sequence`, and news until the training ends; survives restarts.

        Whoever keeps the last `sequence` can go on from there in another process.

        Raises:
            ClearstackError: There is no such training, or the connection does not come back.
        """
        calls = self._connection

        def open_after(sequence: int) -> object:
            return calls.trainings.WatchTraining(WatchTrainingRequest(name=name, after_sequence=sequence))

        def is_over() -> bool:
            found = calls.trainings.GetTraining(GetTrainingRequest(name=name))
            return found.training.state in TRAINING_OVER

        with translated(calls.endpoint):
            for response in resilient(open_after, is_over, calls.patience(), after_sequence):
                yield response

    def wait(self, name: str, *, progress: OnProgress = ignore) -> Training:
        """Waits until a training is complete; returns it.

        Raises:
            RunEnded: It failed or was cancelled.
            ClearstackError: The connection does not come back.
        """
        told_at = -math.inf
        for response in self.watch(name):
            # Of a long history that is replayed not every epoch is worth a call.
            now = time.monotonic()
            if now - told_at > _TELL_EVERY_S or response.event.HasField("state_changed"):
                told_at = now
                progress(of_training(self.get(name)))
        return require_trained(self.get(name))

    def cancel(self, name: str) -> Training:
        """Ends a training; the slot is free within seconds."""
        calls = self._connection
        return (calls.call(calls.trainings.CancelTraining, CancelTrainingRequest(name=name))).training

    def delete(self, name: str) -> None:
        """Removes a finished training, its model and its results."""
        calls = self._connection
        calls.call(calls.trainings.DeleteTraining, DeleteTrainingRequest(name=name))

    def presets(self, method: Method = "n2v") -> tuple[PresetValues, ...]:
        """What the presets of a method hold."""
        calls = self._connection
        request = ListPresetsRequest(method=choices.one_of(choices.METHODS, method, "method"))
        return (*(calls.call(calls.trainings.ListPresets, request)).presets,)
