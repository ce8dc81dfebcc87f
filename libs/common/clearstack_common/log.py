"""Structured logs: readable in a terminal, JSON elsewhere, the run's id on every line that belongs to a run."""

import logging
import sys
from contextlib import AbstractContextManager

import structlog

from clearstack_common.settings import ServiceSettings

# Without local variables: they may hold secrets.
_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure_logging(settings: ServiceSettings, service: str) -> None:
    """Sets up structlog, and the standard library's loggers through it, for the whole process."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final: list[structlog.typing.Processor] = (
        [_tracebacks, structlog.processors.JSONRenderer()] if as_json else [structlog.dev.ConsoleRenderer()]
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service, instance=settings.instance or service)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *final,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def run_context(run: str, **more: str | int) -> AbstractContextManager[None]:
    """Puts the run's name on every log line inside the block."""
    return structlog.contextvars.bound_contextvars(run=run, **more)
