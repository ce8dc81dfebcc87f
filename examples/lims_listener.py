"""Hears what happens in an installation, as a LIMS or a chat bot does: one line of JSON for each event.

pip install nats-py[nkeys]; then, with the listener's key (docs/events.md says where it is):
CLEARSTACK_NATS_URL=tls://… CLEARSTACK_NATS_CA=… CLEARSTACK_NATS_NKEY_SEED=SU… python lims_listener.py [NUMBER]
"""

import asyncio
import json
import os
import ssl
import sys

import nats
from nats.errors import TimeoutError as NothingYet
from nats.js import JetStreamContext

STREAM, SUBJECTS = "CLEARSTACK_EVENTS", "clearstack.evt.>"
# Also the name of the key's account: it may make a consumer of this name, and no other.
NAME = "listener"


async def subscribe(broker: JetStreamContext) -> JetStreamContext.PullSubscription:
    """A durable consumer: a listener that was away goes on where it was, and gets everything since."""
    return await broker.pull_subscribe(SUBJECTS, durable=NAME, stream=STREAM)


async def main(number: int | None) -> None:
    """Prints events until `number` of them have come; None = for ever."""
    environment = os.environ
    tls = ssl.create_default_context(cafile=environment.get("CLEARSTACK_NATS_CA"))
    client = await nats.connect(
        environment["CLEARSTACK_NATS_URL"],
        nkeys_seed_str=environment["CLEARSTACK_NATS_NKEY_SEED"],
        tls=tls,
        tls_handshake_first=True,
        inbox_prefix=f"_INBOX.{NAME}",
    )
    events = await subscribe(client.jetstream())
    seen = 0
    while number is None or seen < number:
        try:
            messages = await events.fetch(1 if number else 50, timeout=5)
        except NothingYet:
            continue
        for message in messages:
            headers = {name.lower(): value for name, value in (message.headers or {}).items()}
            print(json.dumps({"headers": headers, "data": json.loads(message.data)}), flush=True)
            await message.ack()  # after it is dealt with: what was not acknowledged comes again
            seen += 1
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
