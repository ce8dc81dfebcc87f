"""`python -m clearstack_gateway`: settings from the environment, then serve."""

import asyncio
import sys

from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.bootstrap import serve
from clearstack_gateway.settings import GatewaySettings

if __name__ == "__main__":
    try:
        asyncio.run(serve(GatewaySettings()))
    except SetupError as error:
        sys.exit(str(error))
