"""A look at a broker that has what it needs, unless a test takes something away."""

from dataclasses import replace

from clearstack_common import subjects
from clearstack_common.bus.survey import BrokerState, Queue
from clearstack_common.errors import BackendUnavailableError

BUSY = Queue(num_asking=1, num_in_work=0, num_waiting=0)
WHOLE = BrokerState(version="2.15.1", missing=(), queues=dict.fromkeys(subjects.verbs(), BUSY))


class FakeSurvey:
    """Finds what it was given.

    Args:
        state: What is found; None = the broker is away.
    """

    def __init__(self, state: BrokerState | None = WHOLE) -> None:
        self._state = state

    async def look(self) -> BrokerState:
        """What there is."""
        if self._state is None:
            raise BackendUnavailableError("The message broker does not answer; try again in a moment.")
        return self._state


def with_queues(**queues: Queue) -> BrokerState:
    """A whole broker on which some verbs' queues are otherwise."""
    return replace(WHOLE, queues={**WHOLE.queues, **queues})
