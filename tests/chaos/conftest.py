"""Bad days: what every chaos test can use. `tests/chaos/README.md` says how."""

import os
from collections.abc import Callable, Generator, Iterator

import pytest
from chaos.support.recorder import Recorder

_OUTCOME = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remembers whether the test itself has passed, for the recorder."""
    report = yield
    if report.when == "call":
        item.stash[_OUTCOME] = report.passed
    return report


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    """Takes what the test has measured: `figure("promise", "how it is tested", "figure")`."""
    recorder = Recorder()
    yield recorder
    recorder.write(request.node, passed=request.node.stash.get(_OUTCOME, default=False))


@pytest.fixture(scope="session")
def scaled() -> Callable[[int], int]:
    """A number of rounds, less where CHAOS_PERCENT says so: `scaled(100)`."""
    percent = float(os.environ.get("CHAOS_PERCENT", "100"))
    return lambda rounds: max(1, round(rounds * percent / 100))
