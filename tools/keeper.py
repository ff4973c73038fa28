"""The process between an owner and its PostgreSQL: the server never outlives the owner.

It starts the server, says the port on standard output and waits for the end of standard input: the
kernel closes that pipe however the owner ends. It has a session of its own, so that Ctrl-C reaches
the owner and not the database.
"""

import fcntl
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tools.cluster import Cluster, PostgresError


def keep(cluster: Cluster, *, discard: bool) -> None:
    # A keeper whose owner was killed may still be stopping the server: wait for it to finish.
    with (cluster.home / "keeper.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster.log.write_text("", "utf-8")
        try:
            cluster.initialise()
            say(port=cluster.start())
            sys.stdin.read()
        except PostgresError as error:
            say(error=str(error))
        finally:
            cluster.stop()
            if discard:
                shutil.rmtree(cluster.home, ignore_errors=True)


def say(**facts: int | str) -> None:
    print(json.dumps(facts), flush=True)


def main() -> None:
    """Keep the server described by the JSON document in the only argument."""
    order = json.loads(sys.argv[1])
    discard = order.pop("discard")
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    programs, home = Path(order.pop("programs")), Path(order.pop("home"))
    keep(Cluster(programs, home, **order), discard=discard)


if __name__ == "__main__":
    main()
