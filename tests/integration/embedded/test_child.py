import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from clearstack_embedded.child import Child
from clearstack_embedded.errors import ChildError
from clearstack_embedded.ports import PortBook
from clearstack_embedded.spec import ProcessSpec
from contract.suspension import suspend

Make = Callable[..., Child]


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Where the child is to listen."""
    return f"127.0.0.1:{PortBook(tmp_path / 'ports.json').take('child')}"


@pytest.fixture
async def make(tmp_path: Path, address: str) -> AsyncIterator[Make]:
    """Makes children that run the fake service; each is ended with the test."""
    made: list[Child] = []

    def child(*misbehaviour: str, stop_timeout_s: float = 4.0, start_timeout_s: float = 20.0) -> Child:
        spec = ProcessSpec(
            name="service",
            command=(sys.executable, str(Path(__file__).with_name("fake_service.py")), *misbehaviour),
            environment={"CLEARSTACK_GRPC_ADDRESS": address},
            probe="grpc",
            address=address,
            log=tmp_path / "service.log",
            start_timeout_s=start_timeout_s,
            stop_timeout_s=stop_timeout_s,
        )
        made.append(Child(spec, check_every_s=0.2, hung_after_s=1.0))
        return made[-1]

    yield child
    for each in made:
        await each.kill()


def _process(child: Child) -> psutil.Process:
    assert child.pid is not None
    return psutil.Process(child.pid)


async def test_child_starts_and_stops(make: Make) -> None:
    """It is healthy when started, leads a session of its own, and is gone when stopped."""
    child = make()
    await child.start()
    process = _process(child)
    assert (await child.check()).healthy
    assert os.getsid(process.pid) == process.pid
    await child.stop()
    assert child.pid is None
    assert not process.is_running()


async def test_child_that_ends_early_is_an_error(make: Make) -> None:
    """The error says how it ended, and what it said last."""
    with pytest.raises(
        ChildError, match="ended with exit code 1 before it was ready, saying: no graphics card"
    ):
        await make("broken").start()


async def test_strangers_server_is_not_taken_for_ours(make: Make, address: str) -> None:
    """A child whose port belongs to somebody else does not become healthy, and is ended."""
    host, port = address.split(":")
    with socket.create_server((host, int(port))):
        child = make(start_timeout_s=1.5)
        with pytest.raises(ChildError, match=r"before it was ready|does not listen on"):
            await child.start()
    assert child.pid is None


async def test_deaf_child_is_killed(make: Make) -> None:
    """A process that ignores SIGTERM goes when its time is over."""
    child = make("deaf", stop_timeout_s=0.3)
    await child.start()
    process = _process(child)
    await child.stop()
    assert not process.is_running()


async def test_death_is_noticed(make: Make) -> None:
    """The sentence names the signal."""
    child = make()
    await child.start()
    _process(child).kill()
    assert await child.until_down() == "was ended by SIGKILL"


async def test_hanging_child_is_killed(make: Make) -> None:
    """A process that lives but gives no answer is ended, so that it can be started again."""
    child = make()
    await child.start()
    process = _process(child)
    suspend(process.pid)
    assert "no answer" in await child.until_down()
    assert not process.is_running()
