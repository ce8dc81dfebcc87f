"""The `clearstack` command: a thin gRPC client."""
