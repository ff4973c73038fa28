"""How many cores this process may really use, which in a container is not what the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def effective_cores(
    *, workers: int = 1, cgroups: Path = _CGROUPS, own_cgroup: Path = _OWN_CGROUP
) -> int:
    """The least of affinity and CPU quota (cgroup v2 and v1), shared by `workers` processes;
    rounded down, at least 1."""
    available = float(_affinity())
    for folder in _folders(cgroups, own_cgroup):
        quota = _quota_v2(folder / "cpu.max") or _quota_v1(folder)
        if quota is not None:
            available = min(available, quota)
    return max(1, int(available / workers))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _folders(cgroups: Path, own_cgroup: Path) -> Iterator[Path]:
    """The roots as a container sees them, and this process's own groups with their parents."""
    yield cgroups
    yield cgroups / "cpu"
    try:
        lines = own_cgroup.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroups / "cpu" if controllers else cgroups
        folder = Path(path.lstrip("/"))
        yield from (root / part for part in (folder, *folder.parents))


def _quota_v2(limit: Path) -> float | None:
    try:
        quota, period = limit.read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # "max 100000": no limit
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 else None
