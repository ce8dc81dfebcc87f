"""All the wiring of the gateway."""

import asyncio
import contextlib

import structlog
from clearstack.v1 import (
    denoising_service_pb2,
    denoising_service_pb2_grpc,
    mask_service_pb2,
    mask_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    rule_service_pb2,
    rule_service_pb2_grpc,
    stack_service_pb2,
    stack_service_pb2_grpc,
    training_service_pb2,
    training_service_pb2_grpc,
)
from clearstack_common.bus import Bus, NatsBus
from clearstack_common.health import ServiceServer
from clearstack_common.log import configure_logging
from clearstack_common.objects import FileCache, ObjectStore, S3Store
from clearstack_common.service import run_until, stop_on_signals

from clearstack_gateway.access.gatekeeper import Gatekeeper
from clearstack_gateway.access.interceptor import AccessInterceptor
from clearstack_gateway.access.tls import server_credentials
from clearstack_gateway.servicers.denoisings import DenoisingServicer
from clearstack_gateway.servicers.errors import ErrorInterceptor
from clearstack_gateway.servicers.masks import MaskServicer
from clearstack_gateway.servicers.models import ModelServicer
from clearstack_gateway.servicers.rules import RuleServicer
from clearstack_gateway.servicers.stacks import StackServicer
from clearstack_gateway.servicers.trainings import TrainingServicer
from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.denoisings import Denoisings
from clearstack_gateway.use_cases.inspections import Inspections
from clearstack_gateway.use_cases.limits import Limits
from clearstack_gateway.use_cases.masks import Masks
from clearstack_gateway.use_cases.model_exports import ModelExports
from clearstack_gateway.use_cases.model_imports import ModelImports
from clearstack_gateway.use_cases.models import Models
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.stacks import Stacks
from clearstack_gateway.use_cases.tables import Tables, open_tables
from clearstack_gateway.use_cases.trainings import Trainings
from clearstack_gateway.use_cases.upkeep import Upkeep

_FILES = (
    stack_service_pb2,
    training_service_pb2,
    mask_service_pb2,
    model_service_pb2,
    denoising_service_pb2,
    rule_service_pb2,
)
SERVICE_NAMES = tuple(
    service.full_name for file in _FILES for service in file.DESCRIPTOR.services_by_name.values()
)

log = structlog.get_logger()


async def serve(settings: GatewaySettings) -> None:
    """Runs the gateway until SIGTERM or SIGINT.

    Raises:
        SetupError: The settings would not protect the API as they say.
    """
    configure_logging(settings, "gateway")
    server = protected_server(settings)
    servers = [server, *([ServiceServer(settings.health_address)] if settings.health_address else [])]
    stopping = stop_on_signals()
    bus = await NatsBus.connect(settings)
    store = await S3Store.connect(settings)
    tables = open_tables(bus)
    runs = Runs(bus, tables, settings.pixels_per_range)
    models = Models(tables, store, settings.download_url_s)
    upkeep = Upkeep(bus, tables, runs, models)
    add_servicers(server, settings, bus, store, tables, runs, models)
    for each in servers:
        await each.start(SERVICE_NAMES if each is server else ())
    log.info("service ready", port=server.port)

    async def is_healthy() -> bool:
        return bus.is_connected() and await store.is_available()

    try:
        await run_until(
            stopping,
            *(each.report_health(is_healthy) for each in servers),
            upkeep.apply_events(),
            upkeep.dispatch(),
            upkeep.recover(),
        )
    finally:
        log.info("service stops")
        with contextlib.suppress(Exception):
            await asyncio.gather(*(each.stop() for each in servers))
        await bus.close()


def protected_server(settings: GatewaySettings) -> ServiceServer:
    """A server that asks each caller who they are, as the settings want it.

    Raises:
        SetupError: The settings would not protect the API as they say.
    """
    return ServiceServer(
        settings.grpc_address,
        interceptors=[ErrorInterceptor(), AccessInterceptor(Gatekeeper(settings))],
        credentials=server_credentials(settings),
        max_message_bytes=settings.max_message_bytes,
        max_concurrent_calls=settings.max_concurrent_calls,
    )


def add_servicers(
    server: ServiceServer,
    settings: GatewaySettings,
    bus: Bus,
    store: ObjectStore,
    tables: Tables,
    runs: Runs,
    models: Models,
) -> None:
    """Puts the services on a server."""
    stacks = Stacks(tables, store, FileCache(store, settings.scratch / "cache"), settings)
    inspections = Inspections(bus, tables, store, settings.inspection_timeout_s)
    trainings = Trainings(bus, tables, store, runs)
    masks = Masks(tables, store, runs, trainings)
    imports = ModelImports(bus, tables, store, settings)
    exports = ModelExports(bus, tables, store, settings.export_wait_s)
    denoisings = Denoisings(bus, tables, store, runs)
    limits = Limits(tables, settings)
    to = server.server
    stack_service_pb2_grpc.add_StackServiceServicer_to_server(
        StackServicer(stacks, inspections, limits, settings.upload_url_s), to
    )
    training_service_pb2_grpc.add_TrainingServiceServicer_to_server(TrainingServicer(trainings, limits), to)
    mask_service_pb2_grpc.add_MaskServiceServicer_to_server(MaskServicer(masks), to)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(models, imports, exports), to)
    denoising_service_pb2_grpc.add_DenoisingServiceServicer_to_server(
        DenoisingServicer(denoisings, limits), to
    )
    rule_service_pb2_grpc.add_RuleServiceServicer_to_server(RuleServicer(), to)
