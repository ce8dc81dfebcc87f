"""All the wiring of the gateway."""

import asyncio
import contextlib

import structlog
from clearstack.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
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
from clearstack_common.bus.survey import Survey
from clearstack_common.health import ServiceServer
from clearstack_common.log import configure_logging
from clearstack_common.objects import FileCache, ObjectStore, S3Store
from clearstack_common.permissions import GATEWAY
from clearstack_common.readiness import Readiness
from clearstack_common.service import run_until, stop_on_signals
from clearstack_common.telemetry import Telemetry, open_telemetry
from clearstack_common.telemetry.calls import CallInterceptor

from clearstack_gateway.access.gatekeeper import Gatekeeper
from clearstack_gateway.access.interceptor import AccessInterceptor
from clearstack_gateway.access.tls import server_credentials
from clearstack_gateway.acquisitions.beginning import Beginning
from clearstack_gateway.acquisitions.foreman import Foreman
from clearstack_gateway.acquisitions.lister import Lister
from clearstack_gateway.acquisitions.lookups import Lookups
from clearstack_gateway.acquisitions.reuse import Reuse
from clearstack_gateway.acquisitions.rules import Rules
from clearstack_gateway.acquisitions.storing import Storing
from clearstack_gateway.acquisitions.taking import Taking
from clearstack_gateway.servicers.admin import AdminServicer
from clearstack_gateway.servicers.decoding import DecodingInterceptor
from clearstack_gateway.servicers.denoisings import DenoisingServicer
from clearstack_gateway.servicers.errors import ErrorInterceptor
from clearstack_gateway.servicers.masks import MaskServicer
from clearstack_gateway.servicers.models import ModelServicer
from clearstack_gateway.servicers.rules import RuleServicer
from clearstack_gateway.servicers.stacks import StackServicer
from clearstack_gateway.servicers.trainings import TrainingServicer
from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.dead_letters import DeadLetters
from clearstack_gateway.use_cases.denoisings import Denoisings
from clearstack_gateway.use_cases.diagnosis import Diagnosis
from clearstack_gateway.use_cases.estimates import Estimates
from clearstack_gateway.use_cases.figures import Figures
from clearstack_gateway.use_cases.inspections import Inspections
from clearstack_gateway.use_cases.limits import Limits
from clearstack_gateway.use_cases.masks import Masks
from clearstack_gateway.use_cases.mirror import Mirror
from clearstack_gateway.use_cases.model_exports import ModelExports
from clearstack_gateway.use_cases.model_imports import ModelImports
from clearstack_gateway.use_cases.models import Models
from clearstack_gateway.use_cases.rebuild import Rebuild
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.stacks import Stacks
from clearstack_gateway.use_cases.sweeping import Sweeper
from clearstack_gateway.use_cases.tables import Tables, open_tables
from clearstack_gateway.use_cases.trainings import Trainings
from clearstack_gateway.use_cases.upkeep import Upkeep
from clearstack_gateway.viewing.views import Views

_FILES = (
    stack_service_pb2,
    training_service_pb2,
    mask_service_pb2,
    model_service_pb2,
    denoising_service_pb2,
    rule_service_pb2,
    admin_service_pb2,
)
SERVICE_NAMES = tuple(
    service.full_name for file in _FILES for service in file.DESCRIPTOR.services_by_name.values()
)

# What the store does not take by then is found at the next start.
_LAST_WRITE_S = 3.0

log = structlog.get_logger()


async def serve(settings: GatewaySettings) -> None:
    """Runs the gateway until SIGTERM or SIGINT.

    Raises:
        SetupError: The settings would not protect the API as they say.
    """
    configure_logging(settings, "gateway")
    telemetry = open_telemetry(settings, "gateway")
    server = protected_server(settings, telemetry)
    servers = [server, *([ServiceServer(settings.health_address)] if settings.health_address else [])]
    stopping = stop_on_signals()
    bus = await NatsBus.connect(settings, telemetry, service=GATEWAY)
    await bus.set_up()
    store = await S3Store.connect(settings, telemetry.metrics)
    await store.set_up()
    mirror = Mirror(store)
    tables = open_tables(bus, mirror)
    runs = Runs(bus, tables, settings.pixels_per_range, telemetry.tracing)
    models = Models(tables, store, settings.download_url_s)
    upkeep = Upkeep(bus, tables, runs, models, telemetry.tracing)
    add_servicers(server, settings, bus, bus.survey(), store, tables, runs, models, upkeep)
    lister = Lister(bus, tables, store, settings.acquisitions_every_s, settings.s3_notifications)
    for each in servers:
        await each.start(SERVICE_NAMES if each is server else ())
    log.info("service ready", port=server.port)
    is_ready = Readiness({"broker": bus.is_available, "store": store.is_available}, telemetry.metrics)
    try:
        await run_until(
            stopping,
            *(each.report_health(is_ready) for each in servers),
            upkeep.apply_events(),
            upkeep.dispatch(),
            upkeep.recover(),
            Figures(bus, tables, telemetry.metrics).keep(),
            foreman(settings, bus, store, tables, runs).run(),
            lister.run(),
            lister.listen(),
            Sweeper(tables, store, settings.abandoned_after_s).run(),
            mirror.run(tables.by_collection()),
        )
    finally:
        log.info("service stops")
        with contextlib.suppress(Exception):
            await asyncio.gather(*(each.stop() for each in servers))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(mirror.write(), _LAST_WRITE_S)
        await bus.close()
        telemetry.tracing.close()


def protected_server(settings: GatewaySettings, telemetry: Telemetry) -> ServiceServer:
    """A server that asks each caller who they are, as the settings want it.

    Raises:
        SetupError: The settings would not protect the API as they say.
    """
    return ServiceServer(
        settings.grpc_address,
        interceptors=[
            CallInterceptor(telemetry),
            ErrorInterceptor(),
            AccessInterceptor(Gatekeeper(settings)),
            DecodingInterceptor(),
        ],
        credentials=server_credentials(settings),
        max_message_bytes=settings.max_message_bytes,
        max_concurrent_calls=settings.max_concurrent_calls,
    )


def foreman(settings: GatewaySettings, bus: Bus, store: ObjectStore, tables: Tables, runs: Runs) -> Foreman:
    """Who has the acquisitions of all rules dealt with."""
    limits = Limits(tables, settings)
    stacks = Stacks(tables, store, FileCache(store, settings.scratch / "cache"), settings)
    inspections = Inspections(bus, tables, store, settings.inspection_timeout_s)
    beginning = Beginning(
        Trainings(bus, tables, store, runs),
        Denoisings(bus, tables, store, runs),
        inspections,
        Reuse(tables, inspections),
        limits,
    )
    return Foreman(bus, tables, Taking(store, stacks, limits), beginning, Storing(tables, store))


def add_servicers(
    server: ServiceServer,
    settings: GatewaySettings,
    bus: Bus,
    survey: Survey,
    store: ObjectStore,
    tables: Tables,
    runs: Runs,
    models: Models,
    upkeep: Upkeep,
) -> None:
    """Puts the services on a server."""
    stacks = Stacks(tables, store, FileCache(store, settings.scratch / "cache"), settings)
    inspections = Inspections(bus, tables, store, settings.inspection_timeout_s)
    trainings = Trainings(bus, tables, store, runs)
    masks = Masks(tables, store, runs, trainings)
    imports = ModelImports(bus, tables, store, settings)
    exports = ModelExports(bus, tables, store, settings.export_wait_s)
    views = Views(stacks, store, settings.viewer_bytes)
    denoisings = Denoisings(bus, tables, store, runs)
    limits = Limits(tables, settings)
    rules, lookups = Rules(tables, store), Lookups(tables)
    to = server.server
    stack_service_pb2_grpc.add_StackServiceServicer_to_server(
        StackServicer(stacks, views, inspections, limits, rules, lookups, settings.upload_url_s), to
    )
    training_service_pb2_grpc.add_TrainingServiceServicer_to_server(
        TrainingServicer(trainings, Estimates(tables, trainings), limits), to
    )
    mask_service_pb2_grpc.add_MaskServiceServicer_to_server(MaskServicer(masks), to)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelServicer(models, imports, exports, settings.download_url_s), to
    )
    denoising_service_pb2_grpc.add_DenoisingServiceServicer_to_server(
        DenoisingServicer(denoisings, limits, settings.download_url_s), to
    )
    rule_service_pb2_grpc.add_RuleServiceServicer_to_server(RuleServicer(rules, lookups), to)
    letters = DeadLetters(bus, tables, runs, upkeep.apply)
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(
        AdminServicer(
            letters, lambda: Rebuild(tables, store), Diagnosis(survey, bus, tables, store, settings)
        ),
        to,
    )
