"""Half objects: whoever writes to the store is killed in the middle."""

import asyncio
import hashlib
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from chaos.support.lane import as_environment
from chaos.support.recorder import Recorder
from clearstack_common.objects import S3Store
from contract.servers import Servers
from e2e.support.installation import clean_environment

_UPLOADER = Path(__file__).parent / "support/uploader.py"
_SIZE_BYTES = 40 << 20  # three parts
_PROMISE = "no half object is ever visible, and what a killed writer leaves is swept"


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
def test_killed_writers_leave_no_half_objects(
    tmp_path: Path, figure: Recorder, scaled: Callable[[int], int]
) -> None:
    """Writers of 40 MiB are killed in the middle; what is listed is whole, and what is not is swept."""  # spec: D8
    asyncio.run(_killed(tmp_path, figure, rounds=scaled(50)))


async def _killed(root: Path, figure: Recorder, *, rounds: int) -> None:
    moments, path = random.Random(rounds), root / "file"
    path.write_bytes(moments.randbytes(_SIZE_BYTES))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    num_whole = num_half = 0
    async with _store(root / "servers") as (servers, store):
        for number in range(rounds):
            await _kill_in_the_middle(servers, f"round{number}", path, moments.uniform(0.1, 3))
            for found in await store.list(f"round{number}/"):
                there = await store.fetch_unverified(found.key, root / "fetched")
                num_whole += (is_whole := there.sha256 == digest)
                num_half += not is_whole
            await store.delete([found.key for found in await store.list(f"round{number}/")])
        num_swept = await store.abort_uploads(timedelta(0))
        num_left = await store.abort_uploads(timedelta(0))
    figure(
        _PROMISE,
        f"{rounds} processes that store files of 40 MiB killed at random moments, everything listed and fetched",
        f"{num_half} half objects among {num_whole + num_half}; {num_swept} unfinished uploads swept, {num_left} left",
    )
    assert num_half == num_left == 0
    assert num_swept


async def _kill_in_the_middle(servers: Servers, prefix: str, path: Path, seconds: float) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_UPLOADER), prefix, str(path)),
        stdout=subprocess.PIPE,
        env=clean_environment() | as_environment(servers.settings),
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline()
        await asyncio.sleep(seconds)  # the moment is what is random
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _store(root: Path) -> AsyncIterator[tuple[Servers, S3Store]]:
    servers = Servers(root)
    await servers.start()
    try:
        yield servers, await S3Store.connect(servers.settings)
    finally:
        await servers.stop()
