"""What the states of runs mean for somebody who waits."""

from clearstack.v1 import denoising_pb2, training_pb2
from clearstack.v1.denoising_pb2 import Denoising, DenoisingState
from clearstack.v1.training_pb2 import Training, TrainingState

from clearstack_cli import words
from clearstack_cli.errors import CliError

_OVER = frozenset(
    {
        training_pb2.TRAINING_STATE_COMPLETE,
        training_pb2.TRAINING_STATE_FAILED,
        training_pb2.TRAINING_STATE_CANCELLED,
    }
)
_DENOISED = frozenset(
    {
        denoising_pb2.DENOISING_STATE_COMPLETE,
        denoising_pb2.DENOISING_STATE_FAILED,
        denoising_pb2.DENOISING_STATE_CANCELLED,
    }
)


def is_over(state: "TrainingState.ValueType") -> bool:
    """Nothing more happens to the training by itself."""
    return state in _OVER


def is_denoised(state: "DenoisingState.ValueType") -> bool:
    """Nothing more happens to the denoising."""
    return state in _DENOISED


def require_complete(training: Training) -> None:
    """The training has a result.

    Raises:
        CliError: It failed or was cancelled.
    """
    if training.state == training_pb2.TRAINING_STATE_FAILED:
        raise CliError(_failure("training", training.name, training.failure.message))
    if training.state == training_pb2.TRAINING_STATE_CANCELLED:
        raise CliError(f"The training {words.short(training.name)} was cancelled; there is no result.")


def require_denoised(denoising: Denoising) -> None:
    """The denoising has a result.

    Raises:
        CliError: It failed or was cancelled.
    """
    if denoising.state == denoising_pb2.DENOISING_STATE_FAILED:
        raise CliError(_failure("denoising", denoising.name, denoising.failure.message))
    if denoising.state == denoising_pb2.DENOISING_STATE_CANCELLED:
        raise CliError(f"The denoising {words.short(denoising.name)} was cancelled; there is no result.")


def result_of(training: Training, stage: int | None) -> str:
    """The stack that holds a stage's result, or the final one.

    Raises:
        CliError: There is none, or not yet.
    """
    staged = {each.number: each.result_stack for each in training.stages}
    result = staged.get(stage, "") if stage else training.result_stack
    if not result:
        what = f"stage {stage}" if stage else "final"
        state = words.training_state(training.state)
        raise CliError(f"There is no {what} result: the training {words.short(training.name)} is {state}.")
    return result


def _failure(what: str, name: str, message: str) -> str:
    return f"The {what} {words.short(name)} failed: {message or 'see `clearstack logs`.'}"
