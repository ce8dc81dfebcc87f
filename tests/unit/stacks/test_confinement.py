"""What a process can't do any more once it is confined."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

ATTEMPTS = """
import json, os, pathlib, socket, subprocess, sys, tempfile
from clearstack_stacks.confinement import confine

def outcome(attempt):
    try:
        attempt()
    except BaseException as error:
        return type(error).__name__
    return "done"

is_confined = confine(memory_bytes=256 << 20, cpu_s=30, file_bytes=1 << 20)
attempts = {
    "internet": lambda: socket.create_connection(("127.0.0.1", 9), timeout=5),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "pair": lambda: socket.socketpair(),
    "program": lambda: subprocess.run([sys.executable, "-c", "pass"]),
    "replace": lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "memory": lambda: bytearray(400 << 20),
    "disk": lambda: pathlib.Path(sys.argv[1]).write_bytes(bytes(2 << 20)),
    "read": lambda: pathlib.Path(sys.executable).read_bytes(),
}
print(json.dumps({"is_confined": is_confined, **{name: outcome(each) for name, each in attempts.items()}}))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How each attempt ended in a confined process."""
    target = tmp_path_factory.mktemp("confined") / "large"
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, str(target)], capture_output=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_here_it_is_confined(outcomes: dict[str, Any]) -> None:
    """On the machines that the project is made for, the filter is there; elsewhere the caller is told."""
    is_known = sys.platform == "linux" and os.uname().machine in {"x86_64", "aarch64"}
    assert outcomes["is_confined"] is is_known


@pytest.mark.parametrize("attempt", ["internet", "unix", "pair", "program", "replace", "kill"])
def test_the_kernel_refuses(attempt: str, outcomes: dict[str, Any]) -> None:
    """No socket of any kind, no other program, no signal to the service that waits for the answer."""
    if not outcomes["is_confined"]:
        pytest.skip("this platform has no such filter")
    assert outcomes[attempt] == "PermissionError"


def test_memory_and_disk_are_limited(outcomes: dict[str, Any]) -> None:
    """Whatever the platform of a server refuses else."""
    assert outcomes["memory"] == "MemoryError"
    assert outcomes["disk"] == "OSError"


def test_reading_goes_on(outcomes: dict[str, Any]) -> None:
    """What the process is there for, it can do."""
    assert outcomes["read"] == "done"
