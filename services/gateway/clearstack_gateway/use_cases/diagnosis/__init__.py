"""What is wrong with an installation, as its gateway sees it."""

from clearstack_gateway.use_cases.diagnosis.diagnosis import Diagnosis

__all__ = ["Diagnosis"]
