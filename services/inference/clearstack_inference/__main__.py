"""`python -m clearstack_inference`: settings from the environment, then work."""

import asyncio

from clearstack_common.service import serve_worker
from clearstack_common.settings import ServiceSettings

from clearstack_inference.assemble import assemble
from clearstack_inference.denoise import denoise

if __name__ == "__main__":
    asyncio.run(serve_worker("inference", ServiceSettings(), {"denoise": denoise, "assemble": assemble}))
