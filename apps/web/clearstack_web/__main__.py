"""`python -m clearstack_web`: settings from the environment, then serve."""

import asyncio
import sys

from clearstack_web.serving import serve
from clearstack_web.settings import WebSettings

if __name__ == "__main__":
    settings = WebSettings()
    if problem := settings.problem():
        sys.exit(problem)
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        sys.exit(f"The page cannot be served on {settings.web_address}: {error}")
