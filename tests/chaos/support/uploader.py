"""A process that stores the same file again and again: `python uploader.py PREFIX PATH`, settings from the environment."""

import asyncio
import itertools
import sys
from pathlib import Path

from clearstack_common.objects import S3Store
from clearstack_common.settings import ServiceSettings


async def upload(prefix: str, path: Path) -> None:
    """Goes on until it is killed; says so when it begins."""
    store = await S3Store.connect(ServiceSettings())
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    for number in itertools.count():
        await store.put_file(f"{prefix}/{number:06d}", path)


if __name__ == "__main__":
    asyncio.run(upload(sys.argv[1], Path(sys.argv[2])))
