"""All fake services on one server."""

from typing import Any

import grpc
from clearstack.v1.admin_service_pb2_grpc import add_AdminServiceServicer_to_server
from clearstack.v1.denoising_service_pb2_grpc import (
    add_DenoisingServiceServicer_to_server,
)
from clearstack.v1.mask_service_pb2_grpc import add_MaskServiceServicer_to_server
from clearstack.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from clearstack.v1.rule_service_pb2_grpc import add_RuleServiceServicer_to_server
from clearstack.v1.stack_service_pb2_grpc import add_StackServiceServicer_to_server
from clearstack.v1.training_service_pb2_grpc import (
    add_TrainingServiceServicer_to_server,
)
from unit.cli.fake_gateway.admin import Admin
from unit.cli.fake_gateway.denoisings import Denoisings
from unit.cli.fake_gateway.masks import Masks
from unit.cli.fake_gateway.models import Models
from unit.cli.fake_gateway.rules import Rules
from unit.cli.fake_gateway.stacks import Stacks
from unit.cli.fake_gateway.trainings import Trainings


class FakeGateway(Stacks, Trainings, Masks, Models, Denoisings, Rules, Admin):
    """All services on one state; see there for what can be made to go wrong."""

    # For the page alone.
    ListParameters: Any = Stacks._not_faked
    EstimateTraining: Any = Stacks._not_faked
    CreateModelImport: Any = Stacks._not_faked
    FinalizeModelImport: Any = Stacks._not_faked
    GetModelExportLink: Any = Stacks._not_faked
    GetReportLink: Any = Stacks._not_faked


def serve(gateway: FakeGateway, server: grpc.Server) -> int:
    """Puts all services on a server; returns its port on this machine."""
    add_StackServiceServicer_to_server(gateway, server)
    add_TrainingServiceServicer_to_server(gateway, server)
    add_MaskServiceServicer_to_server(gateway, server)
    add_ModelServiceServicer_to_server(gateway, server)
    add_DenoisingServiceServicer_to_server(gateway, server)
    add_RuleServiceServicer_to_server(gateway, server)
    add_AdminServiceServicer_to_server(gateway, server)
    return server.add_insecure_port("127.0.0.1:0")
