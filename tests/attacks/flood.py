"""One stranger sends as much as it can to one node of a ring of three; honest clients must not notice much.

    flood.py [routes|garbage|services|pings|queries|neighbours|status|member ...]     # default: all but the last

routes: reads of made-up keys, routed; garbage: routed messages that make no sense; services: lists of 60
services, a new one each time; pings, queries, neighbours: control messages that ask for an answer; member:
routes of a peer that takes part in the ring, for which there is no target; status: calls at the local socket of one application.

The attacker has one core and the nodes and honest clients the other (taskset); the baseline is the same
attacker sending the same to a sink. Target: honest p99 at most twice that of the baseline, as the median of
IGOR_ROUNDS (3) rounds. IGOR_PORT sets the first port."""

import asyncio
import multiprocessing
import os
import shutil
import socket
import ssl
import statistics
import struct
import sys
import threading
import time

import msgpack

import lab
import peer

PORT = int(os.environ.get("IGOR_PORT", "24100"))
ROUNDS = int(os.environ.get("IGOR_ROUNDS", "3"))
ROUND_SECONDS = 6
TARGET_RATIO = 2
P99_FLOOR_SECONDS = 0.005  # below this both are as good as nothing
MODES = ["routes", "garbage", "services", "pings", "queries", "neighbours", "status"]
BATCH = 64
RATE_MAX = 100_000  # frames a second; a sink would take millions, which no node is sent


def frames_of(mode, source, round_number):
    """One write's worth of frames."""
    frames = []
    for i in range(BATCH):
        number = round_number * BATCH + i
        if mode in ("routes", "member"):
            key = lab.key_of(f"flood{number}")
            body = peer.route(peer.DHT, key, source, number + 1, msgpack.packb([lab.GET, key, 1, 3000]))
        elif mode == "garbage":
            body = peer.route(peer.DHT, os.urandom(32), source, number + 1, os.urandom(64))
        elif mode == "services":
            added = os.urandom(58 * 16) + peer.DHT + peer.BASE
            body = msgpack.packb([2, 0, number + 2, added, b""], use_bin_type=True)
        elif mode == "pings":
            body = msgpack.packb([3, number, 0])
        elif mode == "queries":
            body = msgpack.packb([8, peer.DHT], use_bin_type=True)
        else:
            body = msgpack.packb([6, peer.BASE, True, [], b""], use_bin_type=True)
        frames.append(peer.framed(body))
    return b"".join(frames)


def local_frames():
    frames = [msgpack.packb([lab.STATUS, n]) for n in range(1, BATCH + 1)]
    return b"".join(struct.pack(">I", len(f)) + f for f in frames)


def drain(connection):
    try:
        while connection.recv(1 << 16):
            pass
    except (OSError, ValueError):
        pass


def attack(mode, node_address, local_path, core, stop, sent, ended):
    """The attacker's process; it hangs in a write while it is not read."""
    os.sched_setaffinity(0, {core})
    try:
        if mode == "status":
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(local_path)
            hello = msgpack.packb([lab.HELLO, 1, 1, "flood"])
            connection.sendall(struct.pack(">I", len(hello)) + hello)
            prepared = [local_frames()]
        else:
            joins = mode == "member"
            hostile = peer.Peer(node_address, services=("", "dht") if joins else (), joins=joins,
                                addresses=("127.0.0.1:9",) if joins else ())
            connection = hostile.socket
            prepared = [frames_of(mode, hostile.identity.id, i) for i in range(64)]
        connection.settimeout(None)
        threading.Thread(target=drain, args=(connection,), daemon=True).start()
        turn, started = 0, time.time()
        while not stop.is_set():
            if mode == "services" and turn >= len(prepared):
                prepared[turn % len(prepared)] = frames_of(mode, hostile.identity.id, turn)
            connection.sendall(prepared[turn % len(prepared)])
            turn += 1
            with sent.get_lock():
                sent.value += BATCH
            ahead = turn * BATCH / RATE_MAX - (time.time() - started)
            if ahead > 0.005:
                time.sleep(ahead)
    except (OSError, ValueError, ssl.SSLError, EOFError) as e:
        if not stop.is_set():
            ended.set()
            print(f"  the attacker's connection ended: {e!r}", flush=True)


def sink(port, core, is_local, ready):
    """Takes connections and reads; TLS like a node's, or a plain local socket."""
    os.sched_setaffinity(0, {core})
    if is_local:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(port)
    else:
        identity = peer.Identity()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["igor/1"])
        context.load_cert_chain(identity.path)
        listener = socket.create_server(("127.0.0.1", port))
    listener.listen()
    ready.set()
    while True:
        connection, _ = listener.accept()
        try:
            if not is_local:
                connection = context.wrap_socket(connection, server_side=True)
        except (OSError, ssl.SSLError):
            continue
        threading.Thread(target=drain, args=(connection,), daemon=True).start()


async def measure(nodes, load, mode, address, local_path, label):
    stop, ended, sent = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Value("q", 0)
    process = multiprocessing.Process(
        target=attack, args=(mode, address, local_path, 1, stop, sent, ended), daemon=True)
    process.start()
    await asyncio.sleep(1.5)
    before, cpu = time.time(), sum(n.cpu_seconds() for n in nodes)
    await asyncio.sleep(ROUND_SECONDS)
    after, cpu = time.time(), sum(n.cpu_seconds() for n in nodes) - cpu
    stop.set()
    process.kill()
    load.report(before, after, f"{label}: {sent.value / (ROUND_SECONDS + 1.5):.0f} frames/s sent, "
                f"nodes {cpu / (after - before) * 100:.0f} % of a core")
    await asyncio.sleep(1)
    return load.p99(before, after), sent.value, ended.is_set()


def prove_taken_as_protocol(address):
    """A stranger's routed read is answered: what floods is no refusal at hello."""
    hostile = peer.Peer(address, services=(), joins=False).start()
    key = lab.key_of("proof")
    answer = hostile.ask(peer.DHT, key, msgpack.packb([lab.GET, key, 1, 3000]))
    hostile.close()
    return answer is not None


async def run(mode, nodes, load, verdict, sink_port, sink_path):
    print(mode, flush=True)
    ratios = []
    for _ in range(ROUNDS):
        base, _, _ = await measure(nodes, load, mode, f"127.0.0.1:{sink_port}", sink_path, "sink ")
        hit, sent, is_ended = await measure(nodes, load, mode, nodes[1].address, nodes[1].socket, "node ")
        ratios.append(max(hit or 99, P99_FLOOR_SECONDS) / max(base or 0, P99_FLOOR_SECONDS))
        verdict.check(f"{mode}: taken, not refused", sent > 0 and not is_ended,
                      f"{sent} frames" + (", then the connection ended" if is_ended else ""))
    verdict.check(f"{mode}: honest p99 at most {TARGET_RATIO} times that with a sink",
                  statistics.median(ratios) <= TARGET_RATIO,
                  f"{statistics.median(ratios):.2f} ({', '.join(f'{r:.2f}' for r in ratios)})")


async def main():
    os.sched_setaffinity(0, {0})  # inherited by the nodes; the attacker takes the other core
    verdict = lab.Verdict()
    nodes = lab.make_ring("flood", 3, PORT)
    sink_port, sink_path, sinks = PORT + 50, os.path.join(lab.LAB, "sink.sock"), []
    try:
        for port in (sink_port, sink_path):
            ready = multiprocessing.Event()
            sinks.append(multiprocessing.Process(
                target=sink, args=(port, 1, port == sink_path, ready), daemon=True))
            sinks[-1].start()
            ready.wait(10)
        verdict.check("the ring forms", await lab.start_ring(nodes), "3 nodes")
        verdict.check("taken as protocol", prove_taken_as_protocol(nodes[1].address), "a stranger's read answered")
        load = lab.Load([n.socket for n in nodes], 3, pause=0.02).start()
        await asyncio.sleep(5)
        for mode in sys.argv[1:] or MODES:
            await run(mode, nodes, load, verdict, sink_port, sink_path)
        await load.end()
    finally:
        lab.stop_ring(nodes)
        for process in sinks:
            process.kill()
        shutil.rmtree(os.path.join(lab.LAB, "flood"), ignore_errors=True)
    verdict.end()


if __name__ == "__main__":
    asyncio.run(main())
