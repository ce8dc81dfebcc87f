"""What every service process offers."""

import grpc
from clearstack.v1.training_service_pb2 import CreateTrainingRequest, ListPresetsRequest, ListTrainingsRequest
from e2e.support import configs
from e2e.support.api import N2V, Api
from e2e.support.installation import RunningInstallation
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

_NO_GRPC = ("broker", "store", "web")
_OURS = {
    f"clearstack.v1.{name}Service" for name in ("Stack", "Training", "Mask", "Model", "Denoising", "Rule")
}


def test_every_service_is_healthy_and_reflects(installation: RunningInstallation) -> None:
    """Standard health says SERVING, and reflection lists the services, on each process."""
    addresses = {name: address for name, address in installation.addresses().items() if name not in _NO_GRPC}
    assert {"gateway", "trainer", "trainer-2", "mask-extractor", "inference"} == set(addresses)
    for name, address in addresses.items():
        with grpc.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
            services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        assert "grpc.health.v1.Health" in services
        assert services >= _OURS or name != "gateway"


def test_presets_hold_every_parameter(api: Api) -> None:
    """The three presets come with a value for each field."""  # spec: C15
    presets = api.trainings.ListPresets(ListPresetsRequest(method=N2V)).presets
    assert len(presets) == 3
    for preset in presets:
        stage = preset.config.stage1
        assert len(stage.ListFields()) == len(stage.DESCRIPTOR.fields)


def test_a_request_can_be_repeated(api: Api, white: object) -> None:
    """The same request id gives the same training; `validate_only` gives none."""
    name = getattr(white, "name", "")
    request = CreateTrainingRequest(
        stack=name, method=N2V, config=configs.n2v(), request_id="once", priority=-1
    )
    first, second = (api.trainings.CreateTraining(request).training.name for _ in range(2))
    assert first == second
    api.trainings.CreateTraining(CreateTrainingRequest(stack=name, method=N2V, validate_only=True))
    listed = [each.name for each in api.trainings.ListTrainings(ListTrainingsRequest(page_size=2)).trainings]
    assert listed[0] == first
    api.until_complete(first)
