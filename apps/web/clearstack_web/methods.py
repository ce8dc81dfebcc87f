"""Which calls a browser can make: those that take one message. Told by the protos; their messages do not matter."""

import importlib
import pkgutil

import clearstack.v1
from google.protobuf.descriptor import FileDescriptor


def client_streams() -> frozenset[str]:
    """The paths (`/package.Service/Method`) of calls that take a stream of messages."""
    return frozenset(
        f"/{service.full_name}/{method.name}"
        for file in _service_files()
        for service in file.services_by_name.values()
        for method in service.methods
        if method.client_streaming
    )


def _service_files() -> list[FileDescriptor]:
    package = clearstack.v1
    names = [
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if module.name.endswith("_service_pb2")
    ]
    return [importlib.import_module(f"{package.__name__}.{name}").DESCRIPTOR for name in names]
