"""What holds for all tests."""

import os

# Trainings inside tests share the machine with other processes; see clearstack_embedded.services.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
