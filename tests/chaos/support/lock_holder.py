"""A trainer without its computation, as a process: takes the real lock, stores an artefact, tells its result when told to.

`python lock_holder.py RUN JOB CLOCK_S`, settings from the environment. It says `waiting`, then the token of its lock, waits for
`commit` or `fail` on its standard input, publishes that whatever has become of the lock meanwhile, and says `accepted` or `lost`.
"""

import asyncio
import sys
import time
from pathlib import Path

import structlog
from clearstack.v1.event_pb2 import Event, JobFailed, StageTrained
from clearstack.v1.job_pb2 import Job
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common.bus import NatsBus
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.objects import S3Store
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext
from clearstack_trainer.lock import training_lock
from clearstack_trainer.train import _until_accepted


async def hold(run: str, job: str) -> None:
    """Holds the lock once."""
    settings = ServiceSettings()
    bus, store = await NatsBus.connect(settings), await S3Store.connect(settings)
    context = JobContext(Job(id=job, run=run), bus, store, settings, Path())
    wish = await _input()
    _say("waiting")
    try:
        async with training_lock(context) as token:
            event = await _prepared(context, token)
            _say(str(token))
            word = (await wish.readline()).decode().strip()
            # Shielded: what was begun is finished even when the lock turns out to be lost in the same moment.
            await asyncio.shield(context.publish(event[word], f"{word}.{token}"))
            await _until_accepted(context)
        _say("accepted")
    except BackendUnavailableError:
        _say("lost")
    await bus.close()


async def _prepared(context: JobContext, token: int) -> dict[str, Event]:
    artefact = await context.store.put_bytes(f"{context.job.run}/token{token}/weights", str(token).encode())
    failed = JobFailed(failure=Failure(reason="COMPUTATION_FAILED", message="It broke."), token=token)
    trained = StageTrained(stage=1, attempt=1, token=token, files=[artefact], epoch_count=1)
    return {"commit": Event(stage_trained=trained), "fail": Event(job_failed=failed)}


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _set_clock(seconds_off: float) -> None:
    real = time.time
    time.time = lambda: real() + seconds_off


if __name__ == "__main__":
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # what it says is for the test
    _set_clock(float(sys.argv[3]))
    asyncio.run(hold(sys.argv[1], sys.argv[2]))
