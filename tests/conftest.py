"""What holds for all tests."""

import os
import signal

# Trainings inside tests share the machine with other processes; see clearstack_embedded.services.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Whoever runs the tests in the background of a shell script has Ctrl-C ignored, and so has every process started from here:
# the tests of Ctrl-C need it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
