"""Outlives the supervisor just long enough to end what it left: `python -m clearstack_embedded.keeper DATA RUN`.

The supervisor holds the other end of standard input. When it is gone, however it went, reading ends. The kernel kills
the children themselves on Linux (see guard); this also finds their children, and works on macOS.
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from clearstack_embedded.leftovers import end_leftovers

_PATIENCE_S = 3.0


async def start_keeper(data: Path, run: str) -> asyncio.subprocess.Process:
    """A keeper for the run `run` on the folder `data`; it works when this process ends."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "clearstack_embedded.keeper", str(data), run),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )


async def stop_keeper(keeper: asyncio.subprocess.Process) -> None:
    """Have it end what is left of the run, if anything, and wait for it."""
    if keeper.stdin is not None:
        keeper.stdin.close()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await keeper.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            keeper.kill()
        await keeper.wait()


def main() -> None:
    """Wait for the supervisor's end, then end what still runs of its installation."""
    # Its work begins when others are being stopped, so a signal to the whole group must not take it along.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_leftovers(Path(sys.argv[1]), sys.argv[2])


if __name__ == "__main__":
    main()
