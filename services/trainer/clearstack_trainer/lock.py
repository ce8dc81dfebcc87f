"""Holding the installation's training lock around a piece of work."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from clearstack_common.bus import LockLostError, TrainingLock
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.tasks import ended
from clearstack_common.worker import JobContext

_TRY_EVERY_S = 0.5
_LOST = "The training lock was lost; the stage goes on from its checkpoint."

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def training_lock(context: JobContext) -> AsyncIterator[int]:
    """Waits for the lock, renews it while the body runs, and gives it back; yields the fencing token.

    The body is cancelled as soon as the lock may be somebody else's, and again until it is over (see
    `clearstack_common.tasks`). An error of the body is passed on only while the lock is still ours: whoever stood still
    too long must not end what another goes on with.

    Raises:
        BackendUnavailableError: The lock was lost; the job has to be taken anew.
    """
    lock = await _acquire(context)
    log.info("training lock acquired", token=lock.token)
    context.token = lock.token
    body = asyncio.current_task()
    lost = False

    async def keep() -> None:
        nonlocal lost
        await _renew_until_lost(lock, context.settings.lock_ttl_s)
        lost = True
        while body is not None:  # we are cancelled when it is over
            body.cancel()
            await asyncio.sleep(context.settings.lock_ttl_s)

    keeper = asyncio.ensure_future(keep())
    try:
        yield lock.token
    except asyncio.CancelledError:
        if lost:
            raise BackendUnavailableError(_LOST) from None
        raise
    except Exception as error:
        await ended(keeper)
        try:
            await lock.renew()
        except LockLostError:
            log.warning("an error is not told: the training lock was lost", error=str(error))
            raise BackendUnavailableError(_LOST) from error
        raise
    finally:
        await ended(keeper)
        if not lost:
            await lock.release()


async def _acquire(context: JobContext) -> TrainingLock:
    holder = context.settings.instance or "trainer"
    waiting = False
    while True:
        lock = await context.bus.acquire_lock(holder)
        if lock is not None:
            return lock
        context.draining.stop_here()
        if not waiting:
            log.info("waiting for the training lock")
            waiting = True
        await asyncio.sleep(_TRY_EVERY_S)


async def _renew_until_lost(lock: TrainingLock, ttl_s: float) -> None:
    """Returns when the lock is somebody else's, or could not be renewed for so long that it may be."""
    loop = asyncio.get_running_loop()
    renewed_at = loop.time()
    while True:
        await asyncio.sleep(ttl_s / 3)
        try:
            asked_at = loop.time()
            await lock.renew()
            renewed_at = asked_at
        except LockLostError as error:
            log.warning("training lock lost", reason=error.message)
            return
        except BackendUnavailableError:
            if loop.time() - renewed_at > ttl_s:
                log.warning("training lock given up: it could not be renewed in time")
                return
