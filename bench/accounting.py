"""What processes have used, from the books of the kernel (Linux): CPU seconds, resident memory."""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def descendants(root: int) -> list[int]:
    """The process and everything below it, alive now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    family = [root]
    for pid in family:
        family.extend(children.get(pid, []))
    return family


def cpu_seconds(root: int) -> float:
    """User and system time of a process, all its threads and descendants, the ended ones included.

    A living process has a CPU clock of its own in nanoseconds (clock_getcpuclockid(3)); those who
    ended are in the books of the parent that waited for them.
    """
    fields = Path(f"/proc/{root}/stat").read_text().rpartition(")")[2].split()
    ended = (int(fields[13]) + int(fields[14])) / TICKS
    alive = 0.0
    for pid in descendants(root):
        try:
            alive += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            continue
    return alive + ended


class Strangers:
    """How much of the machine everybody else uses, from now on: the noise in what is measured."""

    def __init__(self, *ours: int) -> None:
        first, *others = ours
        self._ours = [first, *(pid for pid in others if pid not in descendants(first))]
        self._begun, self._spent = time.monotonic(), self._foreign_seconds()

    def share(self, cores: int) -> float:
        """Their part of all cores since the beginning, in per cent."""
        spent = self._foreign_seconds() - self._spent
        return spent / (time.monotonic() - self._begun) / cores * 100

    def _foreign_seconds(self) -> float:
        ticks = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, _, _, irq, softirq, steal = (int(tick) for tick in ticks[:8])
        everybody = (user + nice + system + irq + softirq + steal) / TICKS
        return everybody - sum(cpu_seconds(pid) for pid in self._ours)


def resident_mib(root: int) -> float:
    """Resident memory of a process and its descendants now; pages they share count for each."""
    return _status_mib(root, "VmRSS")


def forget_peak(root: int) -> None:
    """Let the kernel's high-water mark of resident memory start again from now (proc(5))."""
    for pid in descendants(root):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mib(root: int) -> float:
    """The highest resident memory since `forget_peak`."""
    return _status_mib(root, "VmHWM")


def _status_mib(root: int, key: str) -> float:
    kib = 0
    for pid in descendants(root):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(key):
                kib += int(line.split()[1])
    return kib / 1024


def settle(root: int, *, still: float = 0.02, limit: float = 10.0) -> None:
    """Wait until a process uses less than `still` of a core: what it had put off is done."""
    deadline = time.monotonic() + limit
    before = cpu_seconds(root)
    while time.monotonic() < deadline:
        time.sleep(0.25)
        now = cpu_seconds(root)
        if now - before < still * 0.25:
            return
        before = now
