"""`make up`: a database, its migrations and the server with reload, all gone when this ends."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tools.database import configured, development_database
from tools.postgres import ROOT
from tools.steps import StepError, done, fail, step

HOST = "127.0.0.1"
APP = str(Path(sys.executable).parent / "app")
READY_WITHIN = 60.0
PORT_FREE_WITHIN = 3.0
WELCOME = """
  API     {base}
  docs    {base}/docs  and  {base}/redoc
  schema  {base}/openapi.json
  health  {base}/health/ready
  mail    {base}/dev/mailbox

  Register and log in, in another terminal:

curl -sS {base}/api/v1/auth/register -H 'Content-Type: application/json' \\
  -d '{{"email": "ada@example.com", "password": "correct horse battery staple"}}'
curl -sS {base}/api/v1/auth/login -H 'Content-Type: application/json' \\
  -d '{{"email": "ada@example.com", "password": "correct horse battery staple"}}'

  Ctrl-C stops all of it.
"""


def up(port: int) -> int:
    """Serve until a signal, which is the good end, or until the server ends by itself."""
    _check_port(port)
    with development_database(share=False) as url:
        base = f"http://{HOST}:{port}"
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "APP_PUBLIC_URL": configured("APP_PUBLIC_URL") or base,
        }
        with step("migrate"):
            _migrate(environment)
        began = time.monotonic()
        with _server(port, environment) as server:
            _wait_until_ready(server, f"{base}/health/ready")
            done("serve", time.monotonic() - began)
            print(WELCOME.format(base=base), flush=True)
            return server.wait()


def _check_port(port: int) -> None:
    """Raise unless the port is free, or becomes so: a killed run's server is a moment behind."""
    give_up = time.monotonic() + PORT_FREE_WITHIN
    while (obstacle := _obstacle(port)) is not None:
        if time.monotonic() > give_up:
            raise StepError(f"port {port}: {obstacle}; take another, like `make up PORT=8123`")
        time.sleep(0.1)


def _obstacle(port: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror
    return None


def _migrate(environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [APP, "migrate"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise StepError(f"`app migrate` failed:\n{ran.stdout.strip()}")


@contextlib.contextmanager
def _server(port: int, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """The server on a leash: it ends with the block, or with this process."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.leash", APP, "serve", "--reload", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        server.communicate()


def _wait_until_ready(server: "subprocess.Popen[bytes]", url: str) -> None:
    give_up = time.monotonic() + READY_WITHIN
    while time.monotonic() < give_up:
        if server.poll() is not None:
            raise StepError(f"the server ended at its start, exit code {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own http:// URL
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise StepError(f"{url} did not answer within {READY_WITHIN:.0f} s: see above")


def _end_with_make(make: int) -> None:
    """A make that is killed tells nobody: notice that it is gone, and stop as if told to."""
    while os.getppid() == make:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(*_: object) -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make up")
    parser.add_argument("--port", type=_port, default=8000)
    port = parser.parse_args().port
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _stop)
    if "MAKELEVEL" in os.environ:
        threading.Thread(target=_end_with_make, args=(os.getppid(),), daemon=True).start()
    try:
        code = up(port)
        fail(f"the server ended, exit code {code}")
    except StepError as error:
        fail(error)
    except KeyboardInterrupt:
        print("\n  stopped", flush=True)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
