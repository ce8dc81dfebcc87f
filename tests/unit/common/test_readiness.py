"""Whether a service can do its work."""

import asyncio

import pytest
from clearstack_common.readiness import Readiness
from clearstack_common.telemetry import Metrics
from fakes.waiting import until


class Backend:
    """One that can be up, away, broken, or hang."""

    def __init__(self) -> None:
        self.is_up = True
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.num_asked = 0

    async def check(self) -> bool:
        """Answers as it is told."""
        self.num_asked += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return self.is_up


def _up(metrics: Metrics, backend: str) -> float | None:
    return metrics.registry.get_sample_value("clearstack_backend_up", {"backend": backend})


async def test_ready_while_all_backends_answer() -> None:
    """One that is away, or fails in any way, is enough not to be ready; the figures say which."""
    metrics, broker, store = Metrics(), Backend(), Backend()
    is_ready = Readiness({"broker": broker.check, "store": store.check}, metrics)
    assert await is_ready()
    store.is_up = False
    assert not await is_ready()
    assert (_up(metrics, "broker"), _up(metrics, "store")) == (1, 0)
    store.is_up, broker.error = True, ConnectionError("away")
    assert not await is_ready()
    broker.error = None
    assert await is_ready()
    assert (_up(metrics, "broker"), _up(metrics, "store")) == (1, 1)


@pytest.mark.timeout(30)
async def test_backend_that_hangs_is_away_and_asked_once() -> None:
    """No threads pile up behind a backend that hangs; when it answers at last, all is well again."""
    metrics, store = Metrics(), Backend()
    is_ready = Readiness({"store": store.check}, metrics, patience_s=0.01)
    store.answers.clear()
    for _ in range(3):
        assert not await is_ready()
    assert store.num_asked == 1
    store.answers.set()
    await until(lambda: store.num_asked >= 1)
    assert await is_ready() or await is_ready()
