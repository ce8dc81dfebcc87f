"""Jobs and events to send."""

from clearstack.v1.event_pb2 import Event, JobFailed, SlicesDenoised, StateChanged
from clearstack.v1.job_pb2 import AssembleResult, Job, TrainStage
from clearstack.v1.stack_service_pb2 import Failure


def train(number: int, run: str = "trainings/r") -> Job:
    """A job to train something."""
    return Job(id=f"{run}.{number}.train", run=run, train=TrainStage(stage=1, attempt=number, seed=2**62))


def assemble(number: int) -> Job:
    """A job with another verb."""
    return Job(id=f"a.{number}.assemble", run="denoisings/r", assemble=AssembleResult(object_key=str(number)))


def moved(number: int, run: str = "trainings/r") -> Event:
    """An event that the gateway sends."""
    return Event(id=f"{run}.state.{number}", run=run, state_changed=StateChanged(state=f"S{number}"))


def progress(number: int, run: str = "trainings/r") -> Event:
    """An event of a worker."""
    return Event(
        id=f"{run}.slices.{number}", run=run, job="j", slices_denoised=SlicesDenoised(done_count=number)
    )


def failed(number: int, run: str = "trainings/r") -> Event:
    """An event of another kind, with text that JSON has to escape."""
    failure = Failure(reason="INTERNAL", message='µm "quoted"\n – é')
    return Event(id=f"{run}.failed.{number}", run=run, job="j", job_failed=JobFailed(failure=failure))
