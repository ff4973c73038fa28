"""Run a command that ends when its owner ends, however that happens.

`python -m tools.leash COMMAND...` holds the command until standard input ends, which the kernel
sees to when the owner is gone; then the command gets SIGTERM and, if it has not ended after
GRACE seconds, it and everything that it started get SIGKILL.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE = 12.0


def main() -> int:
    """Return the command's exit code."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, process_group=0)
    threading.Thread(target=_end_with_owner, args=(command,), daemon=True).start()
    code = command.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGKILL)
    return code


def _end_with_owner(command: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    command.terminate()
    try:
        command.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(command.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
