"""A look at a stack: measured once for each version of the program, and kept with the stack."""

import asyncio
from pathlib import Path

import structlog
from clearstack.v1 import inspection_pb2 as pb
from clearstack.v1.config_pb2 import METHOD_AUTOSTRUCTN2V, METHOD_N2V, MODE_2_5D, MODE_2D
from clearstack.v1.event_pb2 import Event, StackInspected
from clearstack_common import protojson
from clearstack_common.errors import NotFoundError
from clearstack_common.objects import FileCache, ObjectStore
from clearstack_common.version import code_version
from clearstack_common.worker import JobContext
from clearstack_engine.analysis import Inspection, inspect_stack
from clearstack_stacks.reading import StackReader

from clearstack_mask_extractor.describe import describe

log = structlog.get_logger()


async def inspect(context: JobContext) -> None:
    """Measures a stack, unless that was done already, and says where the answer is."""
    work = context.job.inspect
    if not await _is_there(context.store, work.object_key):
        path = await FileCache(context.store, context.settings.scratch / "cache").path(work.stack)
        inspection = await asyncio.to_thread(_measure, path)
        answer = as_message(inspection)
        await context.store.put_bytes(work.object_key, protojson.encode(answer))
        log.info("stack inspected", reason=answer.recommendation.reason)
    await context.publish(Event(stack_inspected=StackInspected(object_key=work.object_key)), "done")


async def _is_there(store: ObjectStore, key: str) -> bool:
    try:
        await store.get_bytes(key)
    except NotFoundError:
        return False
    return True


def _measure(path: Path) -> Inspection:
    with StackReader(path) as reader:
        return inspect_stack(reader)


def as_message(found: Inspection) -> pb.Inspection:
    """The inspection in the words of the API."""
    height, width = found.correlation_YX.shape
    message = pb.Inspection(
        noise=pb.NoiseLevel(
            standard_deviation=found.noise_std,
            percent_of_range=found.noise_percent,
            signal_to_noise=found.signal_to_noise,
        ),
        correlation=pb.CorrelationMap(
            height=height, width=width, correlation=[float(value) for value in found.correlation_YX.ravel()]
        ),
        clipping=pb.Clipping(saturated_percent=found.saturated_percent, black_percent=found.black_percent),
        mask=describe(found.mask, revision=1),
        recommendation=_recommendation(found),
        measured_slice_count=found.num_slices_measured,
        code_version=code_version(),
    )
    if found.dependence is not None:
        line = found.dependence
        message.signal_dependence.CopyFrom(
            pb.SignalDependence(gain=line.gain, variance_at_zero=line.variance_at_zero, ratio=line.ratio)
        )
    if found.agreement is not None:
        shared = found.agreement
        message.slice_agreement.CopyFrom(
            pb.SliceAgreement(correlation=shared.correlation, shift_px=shared.shift_px, pays=shared.pays)
        )
    return message


def _recommendation(found: Inspection) -> pb.Recommendation:
    advice = found.recommendation
    return pb.Recommendation(
        method=METHOD_AUTOSTRUCTN2V if advice.method == "autostructn2v" else METHOD_N2V,
        mode=MODE_2_5D if advice.mode == "2.5d" else MODE_2D,
        nothing_to_remove=advice.nothing_to_remove,
        reason=advice.reason,
        mode_reason=advice.mode_reason,
    )
