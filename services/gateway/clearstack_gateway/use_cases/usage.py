"""Who needs what: nothing is deleted that a run in work would miss."""

from collections.abc import Set as AbstractSet

from clearstack.v1 import error_reason_pb2
from clearstack_common.errors import ClearstackError

from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow import denoising as denoising_workflow
from clearstack_gateway.workflow import training as training_workflow


async def require_unused(
    tables: Tables, what: str, names: AbstractSet[str], *, maker: str = "", but: str = ""
) -> None:
    """Refuses to take away what a training or a denoising that is not over needs.

    Args:
        tables: The installation's records.
        what: What is deleted, for the text.
        names: The stacks and models that would go.
        maker: The run that made them; while it is in work it needs them too.
        but: A training that goes with them; its own steps do not count.

    Raises:
        ClearstackError: IN_USE, with the names of those who need them.
    """
    users = [*await _trainings(tables, names, maker), *await _denoisings(tables, names, but)]
    if users:
        raise ClearstackError(
            f"The {what} is needed by {', '.join(users[:3])}; wait until that is finished, or cancel it.",
            reason=error_reason_pb2.ERROR_REASON_IN_USE,
        )


async def _trainings(tables: Tables, names: AbstractSet[str], maker: str) -> list[str]:
    trainings = [stored.value.training for stored in await tables.trainings.list()]
    return [
        training.name
        for training in trainings
        if training.state not in training_workflow.TERMINAL
        and (training.name == maker or names & {training.stack, training.model})
    ]


async def _denoisings(tables: Tables, names: AbstractSet[str], but: str) -> list[str]:
    denoisings = [stored.value.denoising for stored in await tables.denoisings.list()]
    return [
        denoising.name
        for denoising in denoisings
        if denoising.state not in denoising_workflow.TERMINAL
        and names & {denoising.stack, denoising.model}
        and (not but or denoising.training != but)
    ]
