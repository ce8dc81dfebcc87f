"""TrainingService."""

from collections.abc import AsyncIterator

from clearstack.v1 import training_service_pb2 as pb
from clearstack.v1 import training_service_pb2_grpc as pb_grpc
from clearstack_common.config import MASK_PARAMETERS, STAGE_PARAMETERS, Parameter

from clearstack_gateway.access.caller import current_caller
from clearstack_gateway.servicers.context import Context
from clearstack_gateway.use_cases.estimates import Estimates
from clearstack_gateway.use_cases.limits import Limits
from clearstack_gateway.use_cases.trainings import Trainings


class TrainingServicer(pb_grpc.TrainingServiceServicer):
    """Trainings: one learns from one stack."""

    def __init__(self, trainings: Trainings, estimates: Estimates, limits: Limits) -> None:
        self._estimates = estimates
        self._trainings = trainings
        self._limits = limits

    async def CreateTraining(
        self, request: pb.CreateTrainingRequest, context: Context
    ) -> pb.CreateTrainingResponse:
        """Adds a training to the queue."""
        creator = current_caller().name
        if not request.validate_only:
            await self._limits.check_runs(creator)
        return pb.CreateTrainingResponse(training=await self._trainings.create(request, creator))

    async def GetTraining(self, request: pb.GetTrainingRequest, context: Context) -> pb.GetTrainingResponse:
        """One training."""
        return pb.GetTrainingResponse(training=await self._trainings.get(request.name))

    async def ListTrainings(
        self, request: pb.ListTrainingsRequest, context: Context
    ) -> pb.ListTrainingsResponse:
        """One page of trainings."""
        trainings, token = await self._trainings.list(request.page_size, request.page_token, request.filter)
        return pb.ListTrainingsResponse(trainings=trainings, next_page_token=token)

    async def CancelTraining(
        self, request: pb.CancelTrainingRequest, context: Context
    ) -> pb.CancelTrainingResponse:
        """Stops a training for good."""
        await self._require_own(request.name)
        return pb.CancelTrainingResponse(training=await self._trainings.cancel(request.name))

    async def DeleteTraining(
        self, request: pb.DeleteTrainingRequest, context: Context
    ) -> pb.DeleteTrainingResponse:
        """Removes a training and what it made."""
        await self._require_own(request.name)
        await self._trainings.delete(request.name, request.etag)
        return pb.DeleteTrainingResponse()

    async def _require_own(self, name: str) -> None:
        current_caller().require_own((await self._trainings.get(name)).creator, "training")

    async def WatchTraining(
        self, request: pb.WatchTrainingRequest, context: Context
    ) -> AsyncIterator[pb.WatchTrainingResponse]:
        """A snapshot, then the history, then what happens."""
        yield pb.WatchTrainingResponse(snapshot=await self._trainings.get(request.name))
        async for item in self._trainings.watch(request.name, request.after_sequence):
            if item is None:
                yield pb.WatchTrainingResponse(heartbeat=pb.Heartbeat())
            else:
                yield pb.WatchTrainingResponse(sequence=item[0], event=item[1])

    async def ListPresets(self, request: pb.ListPresetsRequest, context: Context) -> pb.ListPresetsResponse:
        """Every preset with its values."""
        presets = self._trainings.presets(request.method)
        return pb.ListPresetsResponse(
            presets=[pb.PresetValues(preset=preset, config=config) for preset, config in presets]
        )

    async def ListParameters(
        self, request: pb.ListParametersRequest, context: Context
    ) -> pb.ListParametersResponse:
        """What can be set."""
        return pb.ListParametersResponse(
            stage=[_parameter(each) for each in STAGE_PARAMETERS],
            mask=[_parameter(each) for each in MASK_PARAMETERS],
        )

    async def EstimateTraining(
        self, request: pb.EstimateTrainingRequest, context: Context
    ) -> pb.EstimateTrainingResponse:
        """How long it would take."""
        return await self._estimates.estimate(request)


def _parameter(parameter: Parameter) -> pb.Parameter:
    return pb.Parameter(
        name=parameter.name,
        kind=pb.ParameterKind.Value(f"PARAMETER_KIND_{parameter.kind.upper()}"),
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        unit=parameter.unit,
        advanced=parameter.advanced,
        help=parameter.help,
    )
