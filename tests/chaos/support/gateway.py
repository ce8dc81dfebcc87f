"""A gateway as a process of its own, with a port of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from clearstack_embedded.ports import HOST
from e2e.support.waiting import until

_START_S = 120.0
_STOP_S = 20.0


@contextmanager
def gateway_process(environment: Mapping[str, str], folder: Path) -> Iterator[tuple[int, str]]:
    """Starts one for the block, once it is ready.

    Args:
        environment: Where the broker and the store are, with the keys.
        folder: For its scratch folder and its log.

    Yields:
        Its process id and its host:port.
    """
    log = folder / "gateway.log"
    own = {
        "CLEARSTACK_GRPC_ADDRESS": f"{HOST}:0",
        "CLEARSTACK_METRICS_ADDRESS": "",
        "CLEARSTACK_SCRATCH": str(folder / "scratch"),
        "CLEARSTACK_LOG_FORMAT": "json",
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            (sys.executable, "-m", "clearstack_gateway"), env={**environment, **own}, stdout=file, stderr=file
        )
    try:
        port = until(lambda: _port(process, log), _START_S, "the gateway is ready")
        yield process.pid, f"{HOST}:{port}"
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        finally:
            process.kill()  # one that is stuck must not hold up what has shown it


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int | None:
    assert process.poll() is None, f"the gateway did not start: {log.read_text()}"
    for line in log.read_text().splitlines():
        if '"service ready"' in line:
            return int(json.loads(line)["port"])
    return None
