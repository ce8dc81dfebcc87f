"""The object store as the services see it."""

from clearstack_common.objects.cache import FileCache
from clearstack_common.objects.port import ObjectStore, StoredObject
from clearstack_common.objects.s3_store import S3Store

__all__ = ["FileCache", "ObjectStore", "S3Store", "StoredObject"]
