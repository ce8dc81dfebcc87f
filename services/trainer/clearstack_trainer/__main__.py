"""`python -m clearstack_trainer`: settings from the environment, then work."""

import asyncio

from clearstack_common.service import serve_worker
from clearstack_common.settings import ServiceSettings

from clearstack_trainer.tidy import tidy
from clearstack_trainer.train import train_stage

if __name__ == "__main__":
    asyncio.run(serve_worker("trainer", ServiceSettings(), {"train": train_stage}, {"train": tidy}))
