#!/usr/bin/env python3
"""Forgery by a stranger and by a hostile member, against a ring of five.

A stranger (a TLS peer that announces no service and never joins) sends what only replicas send: Store of records from
the year 6429 and of tombstones that never end, Sync in the name of invented ids, Status in the name of the node
asked. Then a member in the neighbourhood stores the same records over its own connection. Targets: no key is frozen
for put, get or delete, before and after a restart of all nodes; no write fails while 64 invented ids are claimed on
all nodes every 3 s; nobody else's status is told; absent stays absent after one death. That the attack is taken as
protocol is proven first: the stranger puts and gets as any client may, and what is refused is refused by the DHT.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter

import msgpack

import peer as wire
from lab import (DHT_REFUSED, ENVIRONMENT, PROGRAM, ROOT_READ, Client, Verdict, key_of, make_ring, ring_distance, start_ring,
                 stop_ring, wait_ring)

PORT = int(os.environ.get("LAB_PORT", "22500"))
PUT, GET, STORE, SYNC, STATUS = 1, 2, 3, 5, 8
PUT_DONE, REFUSED, GOT, STORED = 32, 35, 37, 38
STORED_REFUSED = 6
FUTURE = (1 << 63) - 1
FOR_EVER = 1 << 62
WHOLE_RING = (b"\0" * 32, b"\0" * 32)


def ask(peer, destination, message, flags=wire.FLAG_EXACT, source=None):
    """The DHT's answer to a routed request; None without one."""
    reply = peer.ask(wire.DHT, destination, msgpack.packb(message, use_bin_type=True), flags=flags, source=source)
    return msgpack.unpackb(reply[4], raw=False, strict_map_key=False) if reply and reply[4] else None


async def asked(*arguments, **named):
    return await asyncio.to_thread(ask, *arguments, **named)


def stranger(node):
    return wire.Peer(node.address, services=(), joins=False).start()


async def attach(nodes):
    return [await Client(node.socket).connect() for node in nodes]


async def prove_protocol(verdict, evil, client):
    await client.put("honest", b"value")
    key = key_of("honest")
    got = await asked(evil, key, [GET, key, ROOT_READ, 3000], flags=0)
    verdict.check("a stranger's get is taken as protocol", bool(got) and got[:2] == [GOT, 0], got and got[:2])
    mine = key_of("stranger's")
    record = client.record(mine, b"value", client.next_clock())
    put = await asked(evil, mine, [PUT, 1, 3000, record], flags=0)
    verdict.check("a stranger's put is taken as protocol", bool(put) and put[0] == PUT_DONE, put and put[0])


async def freeze(verdict, evil, nodes, client, name, poison):
    """Stores a poisoned record on every node, in our own name and in each member's."""
    await client.put(name, b"honest")
    answers = Counter()
    for node in nodes:
        for source in (None, *(n.id for n in nodes)):
            answer = await asked(evil, node.id, [STORE, False, [poison]], source=source)
            answers[answer[0] if answer else "by the overlay"] += 1
    # No node takes or passes on what claims to be its own: of these nine never reach the DHT.
    verdict.check(f"{name}: 30 Stores are refused", answers == {REFUSED: 21, "by the overlay": 9}, dict(answers))
    for wait in (0.5, 5, 35):
        await asyncio.sleep(wait)
        got = await client.get(name, consistency=ROOT_READ)
    verdict.check(f"{name}: get 40 s later", got[2] == b"honest", got[:3])


async def is_writable(verdict, client, name, when):
    put = await client.put(name, b"new", 5)
    verdict.check(f"{name}: honest put {when}", put[0] == "done", put[:2])
    deleted = await client.put(name, b"", 5, is_tombstone=True)
    verdict.check(f"{name}: honest delete {when}", deleted[0] == "done", deleted[:2])


async def claim_invented_ids(verdict, evil, nodes, clients):
    ids = [bytes([i]) + b"\x80" * 31 for i in range(0, 256, 4)]
    message = msgpack.packb([SYNC, 0, *WHOLE_RING, 0, b"\0" * 16], use_bin_type=True)
    is_over = asyncio.Event()

    def claim_all():
        for source in ids:
            for node in nodes:
                evil.send_body(wire.route(wire.DHT, node.id, source, 0, message, flags=wire.FLAG_EXACT))

    async def keep_claiming():
        while not is_over.is_set():
            await asyncio.to_thread(claim_all)
            try:
                await asyncio.wait_for(is_over.wait(), 3)
            except asyncio.TimeoutError:
                pass

    answer = await asked(evil, nodes[1].id, [SYNC, 0, *WHOLE_RING, 0, b"\0" * 16], source=ids[0])
    verdict.check("Sync of an invented id is answered by the DHT", answer is not None, answer and answer[0])
    claiming = asyncio.create_task(keep_claiming())
    await asyncio.sleep(1.5)
    puts = await asyncio.gather(*[clients[i % 5].put(f"claimed{i}", b"y", 8) for i in range(60)])
    outcomes = Counter(put[0] for put in puts)
    verdict.check("60 puts while 64 invented ids are claimed", outcomes == {"done": 60}, dict(outcomes))
    is_over.set()
    await claiming


async def tell_of_single_copies(verdict, evil, nodes, client):
    """Makes nodes believe in records with one copy, which would make absent names unreachable after a death."""
    for node in nodes:
        await asked(evil, node.id, [SYNC, 1, *WHOLE_RING, 5, b"\1" * 16], source=nodes[0].id)
        record = client.record(os.urandom(32), b"z", client.next_clock(), replicas=1)
        await asked(evil, node.id, [STORE, False, [record]])
    nodes[2].kill()
    await asyncio.sleep(2)
    gets = await asyncio.gather(*[client.get(f"nothing{i}", 3, ROOT_READ) for i in range(40)])
    outcomes = Counter(get[0] for get in gets)
    verdict.check("40 absent names after one death", outcomes == {"absent": 40}, dict(outcomes))
    nodes[2].start()
    await wait_ring(nodes)


async def hostile_member(verdict, nodes, client):
    """A neighbour stores the poison over its own connection: it may store, but not this."""
    member = wire.Peer(nodes[1].address, services=("", "dht")).start()
    await asyncio.sleep(2)
    key = key_of("honest")
    for poison in (client.record(key, b"EVIL", FUTURE, writer=(1 << 64) - 1),
                   client.record(key, b"", client.next_clock(), expires=FOR_EVER, is_tombstone=True)):
        answer = await asked(member, nodes[1].id, [STORE, False, [poison]])
        # Whole, where the node does not take it for a member: it answers none of the questions that members do.
        is_refused_alone = bool(answer) and answer[0] == STORED and answer[1][0] == STORED_REFUSED
        verdict.check(
            "a member's poison is refused, by itself or with all that it sends",
            is_refused_alone or (bool(answer) and answer[0] == DHT_REFUSED), answer)
    member.close()
    await asyncio.sleep(1)


async def main():
    verdict = Verdict()
    nodes = make_ring("forge", 5, PORT)
    try:
        await start_ring(nodes)
        clients = await attach(nodes)
        client = clients[0]
        evil = stranger(nodes[1])
        await asyncio.sleep(0.5)
        await prove_protocol(verdict, evil, client)
        for source in (None, nodes[1].id):
            told = await asked(evil, nodes[1].id, [STATUS], source=source)
            verdict.check("status is told to a node's own host only", not told or told[0] == REFUSED,
                          told[0] if told else "no answer")
        names = {
            "poison": client.record(key_of("poison"), b"EVIL", FUTURE, writer=(1 << 64) - 1),
            "grave": client.record(key_of("grave"), b"", FUTURE, expires=FOR_EVER, is_tombstone=True),
        }
        for name, poison in names.items():
            await freeze(verdict, evil, nodes, client, name, poison)
            await is_writable(verdict, client, name, "afterwards")
        program = await asyncio.to_thread(
            subprocess.run, [PROGRAM, "put", "poison", "x", "--socket", nodes[0].socket, "--timeout", "5"],
            env=ENVIRONMENT, capture_output=True, text=True)
        verdict.check("igor-dht put", program.returncode == 0, program.stderr.strip()[:200] or program.returncode)
        key = key_of("future")
        future = await asked(evil, key, [PUT, 1, 3000, client.record(key, b"E", FUTURE)], flags=0)
        verdict.check("a put from the future is refused", bool(future) and future[0] == REFUSED, future)

        await claim_invented_ids(verdict, evil, nodes, clients)
        for node in nodes:
            node.kill(signal.SIGKILL)
        for node in nodes:
            node.start()
        formed, seconds = await wait_ring(nodes)
        verdict.check("the ring is back after a restart of all", formed, f"{seconds:.1f} s")
        clients = await attach(nodes)
        client = clients[0]
        for name in names:
            await is_writable(verdict, client, name, "after the restart")
        evil = stranger(nodes[1])
        await asyncio.sleep(0.5)
        await tell_of_single_copies(verdict, evil, nodes, client)
        await hostile_member(verdict, nodes, (await attach(nodes))[0])
    finally:
        stop_ring(nodes)
    verdict.end()


if __name__ == "__main__":
    started = time.time()
    try:
        asyncio.run(main())
    finally:
        print(f"{time.time() - started:.0f} s", flush=True)
