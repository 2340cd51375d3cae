#!/usr/bin/env python3
"""Silent members: five peers that join the ring and answer pings, and drop everything that is routed to them.

Target: of 40 puts that begin as soon as they are members at most two fail, of 40 more after 20 s none, and the
honest nodes no longer count them as neighbours.

    python3 tests/attacks/silent.py [PORT]
"""

import asyncio
import sys
import time
from collections import Counter

import lab
import peer

HONEST, SILENT, PUTS = 8, 5, 40


def join(nodes, port):
    """One silent member: an identity with a link to every node, which runs the DHT as far as it says."""
    identity, dropped, links = peer.Identity(), Counter(), []

    def handle(link, message):
        dropped[message[0]] += 1

    for node in nodes:
        links.append(peer.Peer(
            node.address, identity, services=("", "dht"), addresses=[f"127.0.0.1:{port}"]).start(handle))
    return identity, links, dropped


async def put_all(nodes, name):
    clients = [await lab.Client(node.socket).connect() for node in nodes]
    started = time.time()
    tasks = []
    for i in range(PUTS):
        tasks.append(asyncio.create_task(clients[i % len(clients)].put(f"{name} {i}", b"value", timeout=10)))
        await asyncio.sleep(0.1)
    outcomes = Counter(result[0] for result in await asyncio.gather(*tasks, return_exceptions=True)
                       if not isinstance(result, BaseException))
    for client in clients:
        client.close()
    print(f"  {name}: {dict(outcomes)} of {PUTS} in {time.time() - started:.1f} s", flush=True)
    return outcomes["done"]


async def neighbours(node):
    client = await lab.Client(node.socket).connect()
    status = await client.dht_status()
    client.close()
    return set(status[4])


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 24600
    verdict = lab.Verdict()
    nodes = lab.make_ring("silent", HONEST, port)
    try:
        verdict.check("the ring forms", await lab.start_ring(nodes, timeout=120), HONEST)
        members = [join(nodes, port + 50 + i) for i in range(SILENT)]
        ids = {identity.id for identity, _, _ in members}
        started = time.time()
        seen = set()  # one that drops what it is asked is soon no neighbour any more
        while not ids <= seen and time.time() - started < 5:
            for node in nodes:
                seen |= ids & await neighbours(node)
        print(f"  silent ones that were neighbours for a time: {len(seen)} of {SILENT}", flush=True)

        first = await put_all(nodes, "as soon as they are members")
        routed = sum(dropped[peer.MESSAGE_ROUTE] for _, _, dropped in members)
        verdict.check("requests reach them", routed > 0, routed)
        verdict.check("puts that begin at once", first >= PUTS - 2, f"{first} of {PUTS}")
        await asyncio.sleep(20)
        later = await put_all(nodes, "after 20 s")
        verdict.check("puts after 20 s", later == PUTS, f"{later} of {PUTS}")
        left = [len(ids & await neighbours(node)) for node in nodes]
        verdict.check("silent neighbours that honest nodes still have", sum(left) == 0, left)
        open_links = sum(link.closed is None for _, links, _ in members for link in links)
        print(f"  links of the silent members still open: {open_links} of {SILENT * HONEST}")
    finally:
        lab.stop_ring(nodes)
    verdict.end()


asyncio.run(main())
