import os
from pathlib import Path

import pytest
from clearstack_common.cores import usable_cores


@pytest.fixture(autouse=True)
def _many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 64 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)), raising=False)


def lay(root: Path, files: dict[str, str]) -> Path:
    """Write files as the kernel shows them."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000\n", 2), ("150000 100000\n", 2), ("10000 100000\n", 1), ("max 100000\n", 64)],
)
def test_a_container_of_version_2(tmp_path: Path, quota: str, cores: int) -> None:
    """A part of a core counts as one; no limit leaves all of them."""
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": quota}
    assert usable_cores(lay(tmp_path, files)) == cores


def test_the_narrowest_limit_above_counts(tmp_path: Path) -> None:
    """A pod's limit holds for its containers, and a container's for itself."""
    files = {
        "proc/self/cgroup": "0::/pod/container\n",
        "sys/fs/cgroup/pod/container/cpu.max": "max 100000\n",
        "sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
    }
    assert usable_cores(lay(tmp_path, files)) == 3


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu,cpuacct/docker/abc"])
def test_a_container_of_version_1(tmp_path: Path, folder: str) -> None:
    """The limit is found under the process's own path, and where only the container's root is to be seen."""
    files = {
        "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
        f"sys/fs/cgroup/{folder}/cpu.cfs_quota_us": "400000\n",
        f"sys/fs/cgroup/{folder}/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/docker/abc/cpu.cfs_quota_us": "100000\n",
        "sys/fs/cgroup/memory/docker/abc/cpu.cfs_period_us": "100000\n",
    }
    assert usable_cores(lay(tmp_path, files)) == 4


def test_without_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cores that the process may be scheduled on."""
    assert usable_cores(tmp_path) == 64
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 5}, raising=False)
    assert usable_cores(tmp_path) == 2
