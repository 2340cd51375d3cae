#!/usr/bin/env python3
"""Members that freeze or die without a word: one of eight is stopped (SIGSTOP), goes on after a while (SIGCONT), and
another is killed (SIGKILL).

Meanwhile each of the others asks for a key whose root the member is, one request after the other and each made once,
and puts and gets go on. Targets: no node loses two requests to the member, all puts and gets end well, no node counts
it as a neighbour 10 s after, and the one that went on is a neighbour of all again within 30 s.

    python3 tests/attacks/freeze.py [PORT]
"""

import asyncio
import signal
import sys
import time

import msgpack

import lab

NODES, PATIENCE = 8, 10
WATCHED = 15


def key_at(node):
    """A key whose root is that node, right beside its id."""
    return node.id[:-1] + bytes([node.id[-1] ^ 1])


async def ask_on(node, key, end):
    """Requests for a key until then, each made once: when each began, how long it took, and how it ended."""
    client = await lab.Client(node.socket).connect()
    message = msgpack.packb([lab.GET, key, lab.ROOT_READ, 3000])
    asked = []
    while time.time() < end:
        started = time.time()
        status, _, _ = await client.request(key, message, 5)
        asked.append((started, time.time() - started, status))
        await asyncio.sleep(0.1)
    client.close()
    return asked


async def until_unknown(node, lost, end):
    """Seconds until the node no longer counts the other as a neighbour; None when it does until then."""
    client = await lab.Client(node.socket).connect()
    started = time.time()
    try:
        while time.time() < end:
            status = await client.dht_status()
            if status and lost.id not in status[4]:
                return time.time() - started
            await asyncio.sleep(0.2)
        return None
    finally:
        client.close()


async def watch(verdict, nodes, lost, what):
    """What the others see from now on, when that member has just stopped to answer."""
    others = [node for node in nodes if node is not lost and node.is_alive()]
    started = time.time()
    end = started + WATCHED
    load = lab.Load([node.socket for node in others], clients=len(others), pause=0.2).start()
    asked = asyncio.gather(*(ask_on(node, key_at(lost), end) for node in others))
    unknown = await asyncio.gather(*(until_unknown(node, lost, end) for node in others))
    asked = await asked
    await load.end()
    load.report(started, end, f"others while one is {what}")
    bad = [o for o in load.operations if o[3] not in ("done", "found", "absent")]
    verdict.check(f"{what}: puts and gets that ended badly", not bad, len(bad))
    lost_requests = [sum(status != 0 for _, _, status in one) for one in asked]
    slowest = max(seconds for one in asked for _, seconds, status in one if status == 0)
    print(f"  requests to its keys: {sum(map(len, asked))}, the slowest answered took {slowest:.2f} s", flush=True)
    verdict.check(f"{what}: requests lost by each node", max(lost_requests) <= 1, lost_requests)
    noticed = [None if seconds is None else round(seconds, 1) for seconds in unknown]
    verdict.check(
        f"{what}: seconds until each noticed", all(s is not None and s <= PATIENCE for s in noticed), noticed)


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 24800
    verdict = lab.Verdict()
    nodes = lab.make_ring("freeze", NODES, port)
    try:
        verdict.check("the ring forms", await lab.start_ring(nodes, timeout=120), NODES)
        await asyncio.sleep(10)  # they have heard one another's heartbeats

        nodes[3].kill(signal.SIGSTOP, wait=False)
        await watch(verdict, nodes, nodes[3], "frozen")
        nodes[3].kill(signal.SIGCONT, wait=False)
        healed, seconds = await lab.wait_ring(nodes, timeout=30)
        verdict.check("one ring after it went on", healed, f"{seconds:.1f} s")

        nodes[5].kill()
        await watch(verdict, nodes, nodes[5], "killed")
    finally:
        lab.stop_ring(nodes)
    verdict.end()


asyncio.run(main())
