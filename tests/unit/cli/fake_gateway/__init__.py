"""A gateway in memory: real gRPC, no broker, no store, and a training that takes no time."""

from unit.cli.fake_gateway.gateway import FakeGateway, serve

__all__ = ["FakeGateway", "serve"]
