"""A service with nothing but gRPC health, configured by environment as the real ones are.

Arguments ask for misbehaviour: "broken" ends at once, "deaf" ignores SIGTERM, "parent" has a deaf child elsewhere.
"""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

_DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
)


def main() -> None:
    """Serve health until SIGTERM."""
    if "broken" in sys.argv:
        raise SystemExit("no graphics card")
    if "parent" in sys.argv:
        # In a session of its own, where no signal to the service's group reaches it.
        child = subprocess.Popen(
            [sys.executable, "-c", _DEAF], start_new_session=True, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
    server = grpc.server(ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(os.environ["CLEARSTACK_GRPC_ADDRESS"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else lambda *_: server.stop(None))
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
