"""Takes from the process that reads a stranger's file what reading does not need: memory, time, the network, other programs.

Only for a process that does nothing else: nothing is given back.
"""

from __future__ import annotations

import math
import os
import struct
import sys
from typing import Final

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE_EPERM = 0x7FFF_0000, 0x0005_0001
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
# Numbers of another calling convention (x32) on the same machine.
_FIRST_FOREIGN_NUMBER: Final = 0x4000_0000
# By machine: its name in a filter, then what is refused: socket, socketpair, execve, execveat, ptrace, kill,
# process_vm_readv, process_vm_writev, io_uring_setup (which can do all of it).
_MACHINES: Final = {
    "x86_64": (0xC000_003E, (41, 53, 59, 322, 101, 62, 310, 311, 425)),
    "aarch64": (0xC000_00B7, (198, 199, 221, 281, 117, 129, 270, 271, 425)),
}


def confine(*, memory_bytes: int, cpu_s: float, file_bytes: int) -> bool:
    """Confine this process: the kernel ends it when it takes too much, and refuses it sockets and other programs.

    Args:
        memory_bytes: memory of its own (not that of libraries mapped from disk).
        cpu_s: processor time, rounded up.
        file_bytes: the longest file that it may write.

    Returns:
        Whether sockets and programs are refused; where the platform can't, the limits alone must do.
    """
    limit(memory_bytes=memory_bytes, cpu_s=cpu_s, file_bytes=file_bytes)
    return _close_network()


def limit(*, memory_bytes: int, cpu_s: float, file_bytes: int) -> None:
    """Set the limits; where the platform has none, the caller's wall clock must do."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return
    # Not the address space: a torch with CUDA maps many GiB of libraries that are never touched.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(cpu_s), math.ceil(cpu_s) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _close_network() -> bool:
    """Refuse sockets and programs by a seccomp filter: it needs no rights, also inside a container."""
    if sys.platform != "linux" or os.uname().machine not in _MACHINES:
        return False
    import ctypes  # noqa: PLC0415 - only where it is needed

    program = _program(*_MACHINES[os.uname().machine])
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, and where they are.
    described = struct.pack("HP", len(program) // 8, ctypes.addressof(buffer))
    prctl = ctypes.CDLL(None).prctl
    zero = ctypes.c_ulong(0)
    if prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
        return False
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    return not prctl(_PR_SET_SECCOMP, mode, ctypes.c_char_p(described), zero, zero)


def _program(machine: int, refused: tuple[int, ...]) -> bytes:
    """The filter: calls of another machine, of another convention, or with a number in `refused` give "not permitted"."""
    num_left = len(refused) + 2  # instructions from the first test of a number to the last return
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_JUMP_EQUAL, 0, num_left + 1, machine),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_AT_LEAST, num_left - 1, 0, _FIRST_FOREIGN_NUMBER),
    ]
    steps += [(_JUMP_EQUAL, len(refused) - index, 0, number) for index, number in enumerate(refused)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE_EPERM)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
