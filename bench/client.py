"""The load generator: its own process, a closed loop of clients, far cheaper than any server.

It reads one order per line from its standard input and answers each with one line of JSON, so that
accounts and token chains live on from one order to the next.
Every client comes from its own loopback address, as clients of a real server do.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from bench.scripts import SCENARIOS, Crowd
from bench.wire import Window, Wire


def percentile(ordered: list[float], share: float) -> float:
    """In milliseconds; 0 where nothing was answered."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def summary(window: Window, elapsed: float) -> dict[str, Any]:
    ordered = sorted(window.seconds)
    return {
        "count": len(ordered),
        "errors": dict(window.errors),
        "per_second": len(ordered) / elapsed,
        "p50_ms": percentile(ordered, 0.50),
        "p99_ms": percentile(ordered, 0.99),
        "max_ms": percentile(ordered, 1.0),
    }


async def connect(port: int, number: int, wire: Wire) -> None:
    loop = asyncio.get_running_loop()
    source = (f"127.0.1.{number % 250 + 1}", 0)
    await loop.create_connection(lambda: wire, "127.0.0.1", port, local_addr=source)


async def obey(port: int, crowd: Crowd, order: dict[str, Any]) -> dict[str, Any]:
    """Run every group of the order at once until its seconds are over or its count is done."""
    windows: dict[str, Window] = {}
    wires: list[Wire] = []
    started, cpu = time.perf_counter(), time.process_time()
    for name, group in order["groups"].items():
        script, expected = SCENARIOS[name]
        window = Window(expected=expected, pause=group.get("pause", 0.0), left=group.get("count"))
        windows[name] = window
        for number in range(group["clients"]):
            wire = Wire(script(crowd, number), window)
            wires.append(wire)
            await connect(port, number, wire)
    everybody = asyncio.gather(*(wire.done for wire in wires))
    await asyncio.wait([everybody], timeout=order.get("seconds"))
    for window in windows.values():
        window.closed = True
    await everybody
    elapsed = time.perf_counter() - started
    answer: dict[str, Any] = {name: summary(w, elapsed) for name, w in windows.items()}
    answered = sum(len(window.seconds) for window in windows.values())
    answer["client_us"] = (time.process_time() - cpu) / max(answered, 1) * 1e6
    return answer


async def serve_orders(port: int) -> None:
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await obey(port, crowd, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve_orders(int(sys.argv[1])))
