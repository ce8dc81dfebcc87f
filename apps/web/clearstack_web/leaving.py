"""Work for a browser ends when the browser goes away."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from clearstack_common.tasks import ended
from starlette.types import Receive


async def until_gone(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Does the work, or as much of it as happens before the browser is gone; the request has been read."""
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
    finally:
        await ended(doing, gone)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
