"""`python -m clearstack_mask_extractor`: settings from the environment, then work."""

import asyncio

from clearstack_common.service import serve_worker
from clearstack_common.settings import ServiceSettings

from clearstack_mask_extractor.extract import extract
from clearstack_mask_extractor.inspect import inspect
from clearstack_mask_extractor.report import report

if __name__ == "__main__":
    asyncio.run(
        serve_worker(
            "mask-extractor", ServiceSettings(), {"extract": extract, "inspect": inspect, "report": report}
        )
    )
