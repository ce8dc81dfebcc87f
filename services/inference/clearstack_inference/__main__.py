"""`python -m clearstack_inference`: settings from the environment, then work."""

import asyncio
from functools import partial

from clearstack_common.cores import usable_cores
from clearstack_common.service import serve_worker
from clearstack_common.worker import Handler
from clearstack_engine import processor

from clearstack_inference.assemble import assemble
from clearstack_inference.denoise import denoise
from clearstack_inference.export_model import export_model
from clearstack_inference.import_model import import_model
from clearstack_inference.sandbox import Sandbox
from clearstack_inference.settings import InferenceSettings
from clearstack_inference.tidy import tidy

if __name__ == "__main__":
    settings = InferenceSettings()
    processor.prepare(usable_cores())
    sandbox = Sandbox(timeout_s=settings.import_timeout_s, memory_bytes=settings.import_memory_bytes)
    handlers: dict[str, Handler] = {
        "denoise": denoise,
        "assemble": assemble,
        "import_model": partial(import_model, sandbox=sandbox),
        "export_model": export_model,
    }
    asyncio.run(serve_worker("inference", settings, handlers, {"denoise": tidy, "assemble": tidy}))
