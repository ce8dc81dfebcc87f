"""The last step of a denoising: its report, as a page for people and as JSON for programs."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import structlog
from clearstack.v1.event_pb2 import Event, ReportMade
from clearstack.v1.job_pb2 import MakeReport
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.objects import FileCache, ObjectStore
from clearstack_common.version import code_version
from clearstack_common.worker import JobContext

from clearstack_mask_extractor.reporting.facts import StageHistory, facts_of
from clearstack_mask_extractor.reporting.measure import measure
from clearstack_mask_extractor.reporting.page import page

log = structlog.get_logger()


async def report(context: JobContext) -> None:
    """Makes the report of a denoising, stores it and says what it comes to."""
    work = context.job.report
    cache = FileCache(context.store, context.settings.scratch / "cache")
    stack, result = await cache.path(work.stack), await cache.path(work.result)
    earlier = await cache.path(work.earlier_result) if work.HasField("earlier_result") else None
    measured = await asyncio.to_thread(measure, stack, result, earlier, context.stop)
    facts = facts_of(
        work,
        context.job.run,
        measured,
        await _histories(context.store, work),
        await _mask(context.store, work),
        datetime.now(UTC).astimezone(),
        code_version(),
    )
    html = await asyncio.to_thread(page, facts, measured)
    files = [
        await context.store.put_bytes(f"{work.object_prefix}/report.html", html.encode()),
        await context.store.put_bytes(
            f"{work.object_prefix}/report.json", json.dumps(facts, indent=1).encode()
        ),
    ]
    headline = facts["verdict"]["headline"]
    log.info("report made", verdict=headline)
    verdict = f"{headline[0].upper()}{headline[1:]}. {facts['verdict']['text']}"
    await context.publish(Event(report_made=ReportMade(files=files, verdict=verdict)), "done")


async def _histories(store: ObjectStore, work: MakeReport) -> list[StageHistory]:
    found = []
    for stage in work.stages:
        config = await _json(store, stage.files, "config.json")
        if config and config.get("history"):
            found.append(StageHistory(stage=stage.number, epochs=config["history"]))
    return found


async def _mask(store: ObjectStore, work: MakeReport) -> dict[str, Any] | None:
    return await _json(store, work.mask_files, "mask.json")


async def _json(store: ObjectStore, files: Iterable[StoredFile], name: str) -> dict[str, Any] | None:
    """One of some stored files, read as JSON; None if it is not among them."""
    keys = [file.object_key for file in files if file.file_name == name]
    return dict(json.loads(await store.get_bytes(keys[0]))) if keys else None
