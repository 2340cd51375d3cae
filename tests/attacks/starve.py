"""Holds 2,000 sockets to each node of a ring of three, from one address, and opens each again as soon as the
node closes it: a newcomer and a restarted member must join within 5 s, and honest load go on.

    starve.py [silent|trickle|garbage|half-open|no-hello|idle ...]     # default: all, one after the other

silent: says nothing; trickle: a byte of a TLS record each second; garbage: plain HTTP; half-open: a whole
ClientHello and then nothing; no-hello: a finished TLS handshake and then nothing; idle: a hello too, as a
stranger that answers pings. IGOR_SOCKETS sets another number, IGOR_PORT the first port."""

import asyncio
import multiprocessing
import os
import resource
import selectors
import shutil
import socket
import ssl
import struct
import sys
import time

import msgpack

import lab
import peer

SOCKETS = int(os.environ.get("IGOR_SOCKETS", "2000"))
PORT = int(os.environ.get("IGOR_PORT", "24000"))
TARGET_SECONDS = 5
PRESSURE_SECONDS = 6
MODES = ["silent", "trickle", "garbage", "half-open", "no-hello", "idle"]
OPENED_PER_TURN = 200


class Connection:
    """One socket of the attacker, which plays as much of the protocol as its mode says."""

    def __init__(self, mode, address, context, client_hello):
        self.mode, self.address, self.said = mode, address, 0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.tls = None
        self.is_secured = False
        self.client_hello = client_hello
        if mode in ("no-hello", "idle"):
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing)
        try:
            self.socket.connect(address)
        except BlockingIOError:
            pass

    def speak(self):
        """The connection is open, or a second has passed."""
        if self.mode == "trickle" and self.said < len(self.client_hello):
            self.socket.send(self.client_hello[self.said:self.said + 1])
            self.said += 1
        elif self.mode in ("garbage", "half-open") and not self.said:
            self.said = self.socket.send(
                self.client_hello if self.mode == "half-open" else b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        elif self.tls and not self.said:
            self.said = 1
            self._shake_hands()

    def hear(self):
        """Something came; raises OSError when that is the end."""
        data = self.socket.recv(16384)
        if not data:
            raise OSError("closed")
        if self.tls:
            self.incoming.write(data)
            if not self.is_secured:
                self._shake_hands()
            else:
                self._answer_pings()

    def _shake_hands(self):
        try:
            self.tls.do_handshake()
            self.is_secured = True
            if self.mode == "idle":
                self._send(peer.hello((), joins=False))
                self._send([peer.MESSAGE_ACCEPT, 0, 1 << 24])
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def _send(self, message):
        self.tls.write(peer.framed(msgpack.packb(message, use_bin_type=True)))
        self._flush()

    def _flush(self):
        if self.outgoing.pending:
            self.socket.send(self.outgoing.read())

    def _answer_pings(self):
        try:
            data = self.tls.read(65536)
        except ssl.SSLWantReadError:
            return
        while len(data) >= 4:
            (length,) = struct.unpack(">I", data[:4])
            body, data = data[4:4 + length], data[4 + length:]
            try:
                message = msgpack.unpackb(body, raw=False)
            except ValueError:
                return
            if message[0] == 3:
                self._send([4, message[1], 0])


def client_hello_of(context):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def attack(mode, addresses, count, stop, results):
    """The attacker's process: keeps that many sockets open to each address."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    contexts = [peer.Identity().context() for _ in range(64 if mode == "idle" else 1)]
    client_hello = client_hello_of(contexts[0])
    selector, missing, opened, secured, spoken = selectors.DefaultSelector(), [], 0, 0, time.time()
    for address in addresses:
        missing += [address] * count

    def lose(connection):
        selector.unregister(connection.socket)
        connection.socket.close()
        missing.append(connection.address)

    while not stop.is_set():
        for _ in range(min(OPENED_PER_TURN, len(missing))):
            connection = Connection(mode, missing.pop(), contexts[opened % len(contexts)], client_hello)
            selector.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
            opened += 1
        is_second = time.time() - spoken > 1
        for key, events in selector.select(0.02):
            connection = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    if connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        raise OSError("refused")
                    connection.speak()
                    selector.modify(connection.socket, selectors.EVENT_READ, connection)
                if events & selectors.EVENT_READ:
                    was_secured = connection.is_secured
                    connection.hear()
                    secured += connection.is_secured and not was_secured
            except (OSError, ssl.SSLError):
                lose(connection)
        if is_second and mode == "trickle":
            spoken = time.time()
            for key in list(selector.get_map().values()):
                try:
                    key.data.speak()
                except OSError:
                    pass
    results.put((opened, secured))


def prove_taken_as_protocol(address):
    """A peer that does all of it is welcomed: the attack stops short of that, and nothing else."""
    honest = peer.Peer(address, services=(), joins=False).start()
    deadline = time.time() + 10
    while honest.peer_hello is None and time.time() < deadline:
        time.sleep(0.05)
    honest.close()
    return honest.peer_hello is not None


async def seconds_to_join(node, others):
    """Until the node knows all others, from its start; None after a minute."""
    started = time.time()
    while time.time() - started < 60:
        try:
            client = await lab.Client(node.socket).connect(timeout=5)
            status = await client.dht_status()
            client.close()
            if status and status[1] and len(status[4]) >= others:
                return time.time() - started
        except (lab.Closed, asyncio.TimeoutError, OSError):
            pass
        await asyncio.sleep(0.1)
    return None


async def run(mode, verdict):
    print(f"{mode}, {SOCKETS} sockets to each of 3 nodes", flush=True)
    nodes = lab.make_ring(f"starve-{mode}", 3, PORT)
    newcomer = lab.Node(os.path.join(lab.LAB, f"starve-{mode}"), 3, PORT + 3, [nodes[0].address])
    process, stop, results = None, multiprocessing.Event(), multiprocessing.Queue()
    try:
        verdict.check(f"{mode}: the ring forms", await lab.start_ring(nodes), "3 nodes")
        nodes[0].bootstrap = [nodes[1].address]
        verdict.check(f"{mode}: taken as protocol", prove_taken_as_protocol(nodes[0].address), "hello answered")
        load = lab.Load([nodes[0].socket, nodes[1].socket], 3, pause=0.03).start()
        await asyncio.sleep(5)
        begun = time.time()
        load.report(begun - 4, begun, "honest load before")
        process = multiprocessing.Process(
            target=attack, args=(mode, [(n.host, n.port) for n in nodes], SOCKETS, stop, results), daemon=True)
        process.start()
        await asyncio.sleep(PRESSURE_SECONDS)
        newcomer.start()
        joined = await seconds_to_join(newcomer, 3)
        verdict.check(f"{mode}: a newcomer joins within {TARGET_SECONDS} s",
                      joined is not None and joined <= TARGET_SECONDS, joined and f"{joined:.1f} s")
        nodes[2].kill()
        nodes[2].start()
        rejoined = await seconds_to_join(nodes[2], 3)
        verdict.check(f"{mode}: a killed member is back within {TARGET_SECONDS} s",
                      rejoined is not None and rejoined <= TARGET_SECONDS, rejoined and f"{rejoined:.1f} s")
        load.report(begun, time.time(), "honest load meanwhile")
        rss = [n.rss_mib() for n in nodes]
        stop.set()
        opened, secured = results.get(timeout=30)
        print(f"  sockets opened {opened}, handshakes finished {secured}, resident MiB {rss}", flush=True)
        await load.end()
    finally:
        stop.set()
        if process:
            process.join(10)
            process.kill()
        lab.stop_ring([*nodes, newcomer])
        shutil.rmtree(os.path.join(lab.LAB, f"starve-{mode}"), ignore_errors=True)


async def main():
    verdict = lab.Verdict()
    for mode in sys.argv[1:] or MODES:
        await run(mode, verdict)
    verdict.end()


if __name__ == "__main__":
    asyncio.run(main())
