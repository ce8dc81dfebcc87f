"""Whether a service can do its work now: not while the broker or the store is away, nor while one only hangs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from clearstack_common.telemetry import Metrics

_PATIENCE_S = 2.0

log = structlog.get_logger()


class Readiness:
    """Asks the backends.

    Args:
        checks: For each backend, what says whether it answers.
        metrics: Where it is told.
        patience_s: A backend that has not answered after that is away.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], Awaitable[bool]]],
        metrics: Metrics,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._checks = checks
        self._metrics = metrics
        self._patience_s = patience_s
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._answers: dict[str, bool] = {}

    async def __call__(self) -> bool:
        """Whether all backends answer."""
        answers = await asyncio.gather(*(self._ask(name) for name in self._checks))
        return all(answers)

    async def _ask(self, name: str) -> bool:
        # A question that hangs is not asked again: it may hold a thread for a minute.
        if name not in self._asked or self._asked[name].done():
            self._asked[name] = asyncio.ensure_future(self._checks[name]())
        asked = self._asked[name]
        await asyncio.wait({asked}, timeout=self._patience_s)
        is_up = asked.done() and asked.exception() is None and asked.result()
        self._metrics.backend_up.labels(name).set(is_up)
        if self._answers.get(name, True) != is_up:
            log.warning("backend answers again" if is_up else "backend is away", backend=name)
        self._answers[name] = is_up
        return is_up
