"""`python -m clearstack_gateway`: settings from the environment, then serve."""

import asyncio

from clearstack_gateway.bootstrap import serve
from clearstack_gateway.settings import GatewaySettings

if __name__ == "__main__":
    asyncio.run(serve(GatewaySettings()))
