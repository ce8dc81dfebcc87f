"""Cancelling and deleting."""

import time

import grpc
from clearstack.v1 import training_pb2
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.stack_service_pb2 import DeleteStackRequest, GetStackRequest, Stack
from clearstack.v1.training_pb2 import (
    STAGE_STATE_CANCELLED,
    TRAINING_STATE_CANCELLED,
    TRAINING_STATE_TRAINING,
)
from clearstack.v1.training_service_pb2 import CancelTrainingRequest, DeleteTrainingRequest
from e2e.support import configs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.events import states
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation
from e2e.support.refusals import refused
from e2e.support.waiting import until

_FREE_WITHIN_S = 10


def test_a_cancelled_training_gives_the_slot_away(
    api: Api, installation: RunningInstallation, white: Stack
) -> None:
    """The computation ends within 10 s, the next training starts, and a queued one never does."""  # spec: D7
    endless = configs.n2v(epochs=10_000)
    running = api.train(white, endless).name
    until(lambda: api.training(running).stages[0].progress.epoch, 60, "an epoch is done")
    queued, following = api.train(white, endless).name, api.train(white, configs.n2v()).name
    assert _cancel(api, queued) == TRAINING_STATE_CANCELLED
    in_use = refused(lambda: api.stacks.DeleteStack(DeleteStackRequest(name=white.name)))
    assert (in_use.code, in_use.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IN_USE")

    computing = {process.pid for process in installation.computing()}
    began = time.monotonic()
    assert _cancel(api, running) == TRAINING_STATE_CANCELLED
    until(
        lambda: not computing & {process.pid for process in installation.computing()},
        _FREE_WITHIN_S,
        "the computation ends",
    )
    api.until(
        following,
        TRAINING_STATE_TRAINING,
        training_pb2.TRAINING_STATE_COMPLETE,
        within_s=began + _FREE_WITHIN_S - time.monotonic(),
    )
    measure(f"cancel: the next training had the slot after {time.monotonic() - began:.1f} s")
    assert api.training(running).stages[0].state == STAGE_STATE_CANCELLED
    assert states(api.history(queued)) == ["CANCELLED"]
    assert _cancel(api, running) == TRAINING_STATE_CANCELLED
    api.until_complete(following)


def test_a_training_that_waits_for_a_review_can_be_cancelled(api: Api, rows: Stack) -> None:
    """It ends CANCELLED, and its mask cannot be approved any more."""  # spec: D7 D10
    name = api.train(rows, configs.two_stages(epochs=1), method=AUTOSTRUCTN2V).name
    api.until(name, training_pb2.TRAINING_STATE_AWAITING_REVIEW)
    assert _cancel(api, name) == TRAINING_STATE_CANCELLED
    assert states(api.history(name))[-1] == "CANCELLED"


def test_what_is_deleted_is_gone(api: Api, white: Stack) -> None:
    """With the training go its model and its result; the input stays. A running one is not deleted."""
    running = api.train(white, configs.n2v(epochs=10_000)).name
    refusal = refused(lambda: _delete(api, running))
    assert refusal.reason == "WRONG_STATE"
    _cancel(api, running)
    _delete(api, running)
    done = api.until_complete(api.train(white, configs.n2v(epochs=1)).name)
    _delete(api, done.name)
    for call in (
        lambda: api.training(done.name),
        lambda: api.training(running),
        lambda: api.models.GetModel(GetModelRequest(name=done.model)),
        lambda: api.stacks.GetStack(GetStackRequest(name=done.result_stack)),
    ):
        assert refused(call).code is grpc.StatusCode.NOT_FOUND
    assert api.stacks.GetStack(GetStackRequest(name=white.name)).stack.name == white.name


def _cancel(api: Api, name: str) -> int:
    return api.trainings.CancelTraining(CancelTrainingRequest(name=name)).training.state


def _delete(api: Api, name: str) -> None:
    api.trainings.DeleteTraining(DeleteTrainingRequest(name=name))
