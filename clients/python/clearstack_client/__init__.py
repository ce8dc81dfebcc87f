"""Denoise microscopy stacks with an installation of Clearstack: `Client("host:port").denoise(stack_ZYX)`."""

from clearstack_client._async.client import AsyncClient
from clearstack_client._sync.client import Client
from clearstack_client.errors import ClearstackError, NotReachable, RunEnded
from clearstack_client.order import Order
from clearstack_client.progress import Phase, Progress

__all__ = [
    "AsyncClient",
    "ClearstackError",
    "Client",
    "NotReachable",
    "Order",
    "Phase",
    "Progress",
    "RunEnded",
]
