"""Real servers with fake services on temporary data, and ways to look for what is left of them."""

import asyncio
import importlib.util
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from clearstack_embedded.installation import Installation

Start = Callable[..., Installation]
Leftovers = Callable[[], list[psutil.Process]]
_PATIENCE_S = 15.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An awkwardly named folder, as people have them."""
    return tmp_path / "my data, 1"


@pytest.fixture
def script() -> Path:
    """The program that runs an installation with fake services."""
    return Path(__file__).with_name("fake_installation.py")


@pytest.fixture
async def installations(data: Path, script: Path) -> AsyncIterator[Start]:
    """Makes installations on `data`; whatever the test leaves running is stopped."""
    fake = _load(script)
    made: list[Installation] = []

    def make(
        *misbehaviour: str, report: Callable[[str, str], None] = lambda _name, _text: None
    ) -> Installation:
        made.append(fake.installation(data, report, *misbehaviour))
        return made[-1]

    yield make
    for installation in made:
        await installation.stop()


@pytest.fixture
def leftovers(data: Path) -> Leftovers:
    """Finds the processes that carry the mark of the installation on `data`."""

    def find() -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _is_of(process, data)]

    return find


@pytest.fixture
def until() -> Callable[[Callable[[], object]], object]:
    """Waits, on a thread of its own, until a condition holds."""

    async def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not await asyncio.to_thread(condition):
            assert time.monotonic() < deadline, "the condition was not met in time"
            await asyncio.sleep(0.05)

    return wait


def _is_of(process: psutil.Process, data: Path) -> bool:
    try:
        mark = process.environ().get("CLEARSTACK_INSTALLATION", "")
        return mark.endswith(f":{data.resolve()}") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
