"""One extraction: measure the noise's correlation, or take what was measured before; cut the mask out of it."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import structlog
from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig as MaskConfig
from clearstack.v1.event_pb2 import Event, MaskExtracted
from clearstack_common import protojson
from clearstack_common.objects import FileCache
from clearstack_common.worker import JobContext
from clearstack_engine.analysis import CorrelationMeter, MaskExtractorConfig, NoiseCorrelation, extract_mask
from clearstack_stacks.reading import StackReader

from clearstack_mask_extractor.describe import describe

log = structlog.get_logger()


async def extract(context: JobContext) -> None:
    """Extracts a mask and publishes it."""
    work = context.job.extract
    cache = FileCache(context.store, context.settings.scratch / "cache")
    correlation_file = context.folder / "correlation.npz"
    if work.HasField("correlation"):
        correlation = NoiseCorrelation.load(await cache.path(work.correlation))
    else:
        noisy, denoised = await cache.path(work.stack), await cache.path(work.denoised)
        num_offset_slices = 3 if work.mode == config_pb2.MODE_2_5D else 1
        correlation = await asyncio.to_thread(_measure, noisy, denoised, num_offset_slices, context.stop)
    correlation.save(correlation_file)
    extracted = extract_mask(correlation, _engine_config(work.config))
    mask = describe(extracted, work.revision)
    np.save(context.folder / "mask.npy", extracted.mask_ZYX, allow_pickle=False)
    (context.folder / "mask.json").write_bytes(protojson.encode(mask))
    log.info("mask extracted", revision=work.revision, active=mask.summary.active_pixel_count)
    files = [
        await context.store.put_file(f"{work.object_prefix}/{name}", context.folder / name)
        for name in ("mask.json", "mask.npy", "correlation.npz")
    ]
    await context.publish(Event(mask_extracted=MaskExtracted(summary=mask.summary, files=files)), "extracted")


def _measure(noisy: Path, denoised: Path, num_offset_slices: int, stop: threading.Event) -> NoiseCorrelation:
    meter = CorrelationMeter(num_offset_slices=num_offset_slices)
    with StackReader(noisy) as before, StackReader(denoised) as after:
        for z in range(before.num_slices):
            if stop.is_set():
                break
            meter.add(before.read_slice(z), after.read_slice(z))
    return meter.result()


def _engine_config(config: MaskConfig) -> MaskExtractorConfig:
    return MaskExtractorConfig(
        adaptive_thresholding=config.adaptive_thresholding,
        base_percentile=config.base_percentile,
        percentile_decay=config.percentile_decay,
        max_masked_pixels=config.max_masked_pixels,
    )
