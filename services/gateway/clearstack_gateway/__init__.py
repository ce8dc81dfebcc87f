"""The gRPC API and the workflow; the only writer of run state."""
