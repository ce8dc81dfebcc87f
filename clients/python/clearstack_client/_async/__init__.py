"""The client for asyncio; the blocking one is written from it by tools/unasync.py."""
