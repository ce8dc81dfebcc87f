"""What a denoising asks for: jobs and its result, with names that depend on nothing but the record."""

from clearstack.v1 import stack_service_pb2
from clearstack.v1.job_pb2 import AssembleResult, DenoiseRange, Job, MakeReport
from clearstack.v1.record_pb2 import DenoisingRecord
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.subjects import run_id


def result_folder(record: DenoisingRecord) -> str:
    """Where the result is kept: with the training's other results if it is a step of one."""
    return f"results/{run_id(record.denoising.training or record.denoising.name)}"


def work_id(record: DenoisingRecord) -> str:
    """What the ids of a denoising's jobs and the names of its files begin with; another each time it is begun anew."""
    own_id = run_id(record.denoising.name)
    return f"{own_id}-{record.incarnation}" if record.incarnation else own_id


def range_job(record: DenoisingRecord, first: int, stop: int) -> Job:
    """One range of slices."""
    denoising = record.denoising
    own_id = work_id(record)
    work = DenoiseRange(
        start=first,
        stop=stop,
        stack=record.stack,
        mode=denoising.mode,
        model_files=denoising.model_files,
        output_dtype=denoising.output_dtype,
        object_key=f"{result_folder(record)}/parts/{own_id}/{first:06d}-{stop:06d}.raw",
    )
    return Job(id=f"{own_id}.range{first}.denoise", run=denoising.name, denoise=work)


def assemble_job(record: DenoisingRecord) -> Job:
    """The file of all ranges."""
    denoising = record.denoising
    own_id = work_id(record)
    of_itself = f"denoised-{record.incarnation}.tif" if record.incarnation else "denoised.tif"
    file_name = f"stage{denoising.stage}-{own_id}.tif" if denoising.training else of_itself
    work = AssembleResult(
        stack=record.stack,
        part_keys=[part.object_key for part in denoising.ranges],
        output_dtype=denoising.output_dtype,
        object_key=f"{result_folder(record)}/{file_name}",
    )
    return Job(id=f"{own_id}.assemble", run=denoising.name, assemble=work)


def result_stack(record: DenoisingRecord) -> Stack:
    """The result, as a stack."""
    denoising = record.denoising
    info = stack_service_pb2.StackInfo()
    info.CopyFrom(record.stack_info)
    info.ClearField("warnings")
    if denoising.output_dtype:
        info.dtype = denoising.output_dtype
    return Stack(
        name=denoising.result_stack,
        display_name=f"{denoising.display_name}, denoised",
        state=stack_service_pb2.STACK_STATE_READY,
        origin=stack_service_pb2.STACK_ORIGIN_RESULT,
        size_bytes=record.result.size_bytes,
        uploaded_bytes=record.result.size_bytes,
        sha256=record.result.sha256,
        object_key=record.result.object_key,
        info=info,
        source_run=denoising.training or denoising.name,
        creator=denoising.creator,
    )


def report_job(record: DenoisingRecord) -> Job:
    """The report of the finished result."""
    own_id = work_id(record)
    work = MakeReport()
    work.CopyFrom(record.report)
    work.stack.CopyFrom(record.stack)
    work.stack_info.CopyFrom(record.stack_info)
    work.result.CopyFrom(record.result)
    work.object_prefix = f"{result_folder(record)}/report/{own_id}"
    return Job(id=f"{own_id}.report", run=record.denoising.name, report=work)
