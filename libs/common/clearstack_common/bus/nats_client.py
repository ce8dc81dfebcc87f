"""A client of the broker that tells how long every request took, and outlives late answers."""

import asyncio
from time import perf_counter
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from clearstack_common.telemetry import Metrics

# The beginnings of subjects on which requests go out, the more special ones first.
_OPERATIONS = (
    ("$JS.API.STREAM.MSG.GET.KV_", "read record"),
    ("$JS.API.DIRECT.GET.KV_", "read record"),
    ("$JS.API.STREAM.MSG.GET.", "read event"),
    ("$JS.API.DIRECT.GET.", "read event"),
    ("$JS.ACK.", "acknowledge"),
    ("$KV.", "write record"),
    ("clearstack.cmd.", "publish job"),
    ("clearstack.evt.", "publish event"),
)


class ObservedClient(Client):
    """Requests, timed. What is only published, such as the wish for the next job, has no answer to wait for."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._seconds = metrics.nats_seconds

    async def request(self, subject: str, *args: Any, **kwargs: Any) -> Msg:
        """As the client's own, but observed."""
        began, outcome = perf_counter(), "error"
        try:
            reply = await super().request(subject, *args, **kwargs)
            outcome = "ok"
        finally:
            self._seconds.labels(_operation(subject), outcome).observe(perf_counter() - began)
        return reply

    async def _process_pong(self) -> None:
        """As the client's own, which stops reading for good when nobody waits for an answer any more."""
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.Future()
        await super()._process_pong()


def _operation(subject: str) -> str:
    return next((name for start, name in _OPERATIONS if subject.startswith(start)), "manage")
