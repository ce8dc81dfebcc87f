"""An installation with real servers and fake services: used by the tests, and run by them as a supervisor to kill.

python fake_installation.py DATA [MISBEHAVIOUR...]
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from clearstack_embedded.installation import Installation, InstallationConfig
from clearstack_embedded.ports import HOST
from clearstack_embedded.servers import servers
from clearstack_embedded.services import service
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.supervisor import Report
from clearstack_embedded.wiring import Wiring

_SERVICE = str(Path(__file__).with_name("fake_service.py"))


def installation(data: Path, report: Report, *misbehaviour: str) -> Installation:
    """Broker, store, a gateway, and a trainer that misbehaves as asked."""

    def fakes(wiring: Wiring) -> Sequence[ProcessSpec]:
        command = (sys.executable, _SERVICE)
        trainer = f"{HOST}:{wiring.ports.take('trainer')}"
        return [
            service(wiring, "gateway", command, wiring.endpoint),
            service(wiring, "trainer", (*command, *misbehaviour), trainer),
        ]

    return Installation(InstallationConfig(data=data), on_event=report, tiers=(servers, fakes))


async def _main() -> None:
    running = installation(Path(sys.argv[1]), lambda _name, _text: None, *sys.argv[2:])
    await running.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await running.run_until_stopped()
    sys.stdout.write("stopped\n")


if __name__ == "__main__":
    asyncio.run(_main())
