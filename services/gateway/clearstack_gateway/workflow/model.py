"""The life of a model that comes from elsewhere, and of the archives that are made of any.

    IMPORTING → READY
              → REFUSED
    READY: an export is asked for → made, or failed

Pure, like the life of a training; see there.
"""

from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.event_pb2 import Event, JobFailed
from clearstack.v1.model_service_pb2 import Model, ModelExport

_NAMELESS = "imported model"


def advance(model: Model, event: Event) -> Model:
    """The model after an event; one whose job is not awaited changes nothing."""
    after = Model()
    after.CopyFrom(model)
    if event.job not in model.active_jobs:
        return after
    after.active_jobs.remove(event.job)
    match event.WhichOneof("kind"):
        case "model_imported":
            _imported(after, event.model_imported.model)
        case "model_exported":
            _exported(after, event.model_exported.export)
        case "job_failed":
            _failed(after, event.job_failed)
    return after


def is_ready(model: Model) -> bool:
    """Whether it can denoise; models from before there were states can."""
    return model.state in {pb.MODEL_STATE_READY, pb.MODEL_STATE_UNSPECIFIED}


def _imported(model: Model, found: Model) -> None:
    wished = model.display_name
    model.MergeFrom(found)
    model.display_name = wished or found.display_name or _NAMELESS
    model.state = pb.MODEL_STATE_READY


def _exported(model: Model, export: ModelExport) -> None:
    others = [other for other in model.exports if other.format != export.format]
    del model.exports[:]
    model.exports.extend([*others, export])


def _failed(model: Model, failed: JobFailed) -> None:
    model.failure.CopyFrom(failed.failure)
    if model.state == pb.MODEL_STATE_IMPORTING:
        model.state = pb.MODEL_STATE_REFUSED
        model.display_name = model.display_name or _NAMELESS
