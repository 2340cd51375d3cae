"""Memory: peers and applications that ask for much and take nothing, and peers that send a byte a second.

A ring of three; the victim is the root of eight records of 1 MiB. Strangers (identities made a moment ago that never
join) and a local application ask for those and do not read, or read slowly; others begin frames and do not go on.
Meanwhile honest clients of the two other nodes put and get small records. Targets: the victim stays within 150 MiB
over its idle size under each attack and afterwards, and the p99 of honest operations within 4 times its own without
an attack (or 50 ms, below which the machine's noise decides).

    python3 tests/attacks/memory.py [CASE...]     # all, or: silent strangers slow local deaf drip

STRANGERS sets how many silent strangers there are together (default 100). The victim is killed at 4 GB.
"""

import asyncio
import os
import struct
import sys
import threading
import time

import msgpack

import lab
import peer

PORT = int(os.environ.get("PORT", "23500"))
STRANGERS = int(os.environ.get("STRANGERS", "100"))
RECORD_BYTES = 1 << 20
GETS = 2000
OVER_IDLE_MIB_MAX = 150
GUARD_MIB = 4000
WATCH_SECONDS = 20
AFTER_SECONDS = 25
NOISE_SECONDS = 0.05


def get_message(key):
    return msgpack.packb([lab.GET, key, lab.ROOT_READ, 30_000], use_bin_type=True)


def get_frame(key, source, hop):
    return peer.framed(peer.route(peer.DHT, key, source, hop, get_message(key), timeout_ms=60_000))


class Victim:
    """The node under attack, what it holds, and how it does."""

    def __init__(self, nodes, keys, load):
        self.node, self.keys, self.load = nodes[0], keys, load
        self.is_dead = False

    async def watch(self, seconds):
        """Largest resident size in MiB, and p99 of honest operations, over so many seconds."""
        started, largest = time.time(), 0
        while time.time() - started < seconds:
            size = self.node.rss_mib() or 0
            largest = max(largest, size)
            if size > GUARD_MIB:
                print("  the victim is killed at 4 GB", flush=True)
                self.node.kill()
            if not self.node.is_alive():
                self.is_dead = True
                break
            await asyncio.sleep(0.1)
        return largest, self.load.p99(started, time.time())

    def stranger(self, receive_buffer=None):
        return peer.Peer(self.node.address, services=(), joins=False, receive_buffer=receive_buffer)

    def prove(self):
        """A stranger that reads gets a record: the attacks are made of what is taken as protocol."""
        asker = self.stranger().start()
        answer = asker.ask(peer.DHT, self.keys[0], get_message(self.keys[0]), timeout=15)
        asker.close()
        return answer is not None and answer[2] == 0 and len(answer[4]) > RECORD_BYTES


def never_read(victim, strangers, gets):
    """Each asks for its part of the gets; nothing is ever read."""
    opened = []
    for _ in range(strangers):
        asker = victim.stranger(receive_buffer=4096)
        opened.append(asker)
        send(asker, b"".join(
            get_frame(victim.keys[i % len(victim.keys)], asker.identity.id, i + 1) for i in range(gets // strangers)))
    return opened


def read_slowly(victim, readers, request_bytes):
    """Each asks with so many bytes of requests and reads a KiB a second."""
    opened = []
    for _ in range(readers):
        asker = victim.stranger(receive_buffer=4096)
        opened.append(asker)
        one = get_frame(victim.keys[0], asker.identity.id, 1)
        send(asker, b"".join(
            get_frame(victim.keys[i % len(victim.keys)], asker.identity.id, i + 1)
            for i in range(request_bytes // len(one))))

    def drip():
        while any(o.socket.fileno() >= 0 for o in opened):
            for asker in opened:
                try:
                    asker.socket.settimeout(0.01)
                    asker.socket.recv(1024)
                except (OSError, ValueError):
                    pass
            time.sleep(1)

    threading.Thread(target=drip, daemon=True).start()
    return opened


def send_drops(victim, senders):
    """Each begins a frame of a MiB, sends most of it, and then a byte a second."""
    opened = []
    for _ in range(senders):
        sender = victim.stranger()
        opened.append(sender)
        send(sender, struct.pack(">I", RECORD_BYTES) + bytes(700 * 1024), timeout=0.5)

    def drip():
        while any(o.socket.fileno() >= 0 for o in opened):
            for sender in opened:
                send(sender, b"\0", timeout=0.01)
            time.sleep(1)

    threading.Thread(target=drip, daemon=True).start()
    return opened


def send(to, data, timeout=15):
    """Sends, for as long as the other end takes it."""
    try:
        to.socket.settimeout(timeout)
        to.socket.sendall(data)
    except (OSError, ValueError):
        pass


async def ask_locally(victim, gets):
    """One application has all gets under way at once, and reads the answers."""
    client = await lab.Client(victim.node.socket).connect()
    asked = asyncio.gather(
        *[client.request(victim.keys[i % 8], get_message(victim.keys[i % 8]), 20) for i in range(gets)],
        return_exceptions=True)
    asked.add_done_callback(lambda _: client.close())
    return [client]


async def ask_and_be_deaf(victim, gets):
    """One application has all gets under way at once, and reads nothing."""
    client = await lab.Client(victim.node.socket).connect()
    client._loop_task.cancel()
    for i in range(gets):
        client.send(lab.REQUEST, 1, i + 1000, victim.keys[i % 8], False, 30_000, get_message(victim.keys[i % 8]))
    return [client]


CASES = {
    "silent": ("one stranger, 2,000 gets, reads nothing", lambda v: asyncio.to_thread(never_read, v, 1, GETS)),
    "strangers": (f"{STRANGERS} strangers, 2,000 gets, read nothing",
                  lambda v: asyncio.to_thread(never_read, v, STRANGERS, max(GETS, STRANGERS * 20))),
    "slow": ("40 slow readers, 39 KiB of gets each", lambda v: asyncio.to_thread(read_slowly, v, 40, 39 * 1024)),
    "local": ("one application, 2,000 gets at once", lambda v: ask_locally(v, GETS)),
    "deaf": ("one application, 2,000 gets, reads nothing", lambda v: ask_and_be_deaf(v, GETS)),
    "drip": ("300 senders of a byte a second", lambda v: asyncio.to_thread(send_drops, v, 300)),
}


async def main(names):
    verdict, nodes = lab.Verdict(), lab.make_ring("memory", 3, PORT)
    try:
        if not await lab.start_ring(nodes):
            verdict.check("ring", False, "it did not form")
            return verdict
        client = await lab.Client(nodes[0].socket).connect()
        keys = [k for k in (lab.key_of(f"large{i}") for i in range(400))
                if min(nodes, key=lambda n: lab.ring_distance(n.id, k)) is nodes[0]][:8]
        for key in keys:
            stored = await client.put("", os.urandom(RECORD_BYTES), key=key)
            assert stored[0] == "done", stored
        load = lab.Load([n.socket for n in nodes[1:]], clients=4).start()
        victim = Victim(nodes, keys, load)
        verdict.check("the attack is taken as protocol", await asyncio.to_thread(victim.prove), "a stranger's get")
        await victim.watch(5)
        idle, calm = await victim.watch(10)
        print(f"idle: {idle} MiB, honest p99 {lab.milliseconds(calm)} ms", flush=True)
        for name in names:
            label, attack = CASES[name]
            attacking = asyncio.ensure_future(attack(victim))
            largest, p99 = await victim.watch(WATCH_SECONDS)
            for opened in await attacking:
                opened.close()
            if victim.is_dead:
                verdict.check(f"{label}: memory", False, f"+{largest - idle} MiB, the victim is dead")
                break
            verdict.check(f"{label}: memory", largest - idle <= OVER_IDLE_MIB_MAX, f"+{largest - idle} MiB")
            allowed = max(4 * calm, NOISE_SECONDS)
            verdict.check(
                f"{label}: honest p99", p99 is not None and p99 <= allowed,
                f"{lab.milliseconds(p99)} ms, {lab.milliseconds(allowed)} ms allowed")
            await victim.watch(AFTER_SECONDS)
            if victim.is_dead:
                verdict.check(f"{label}: afterwards", False, "the victim is dead")
                break
            size = victim.node.rss_mib() or 0
            verdict.check(f"{label}: afterwards", size - idle <= OVER_IDLE_MIB_MAX, f"{size - idle:+} MiB")
        await load.end()
    finally:
        lab.stop_ring(nodes)
    return verdict


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(CASES))).end()
