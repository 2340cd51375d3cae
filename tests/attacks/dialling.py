"""Dialling: a stranger tells of a thousand addresses, all of a listener of ours, and counts who comes.

A ring of three on 127.0.0.1. The listener counts TCP connections on every address of 127.77.0.0/16, one port each
time, so whatever the victim dials because of the stranger is seen. The stranger (a fresh identity that never joins)
sends Neighbours and ServiceMembers that nobody asked for, with contacts near the victim's own id; then a hundred
strangers do, ten addresses each, all on one port of one host. Its addresses are in the range that its own connection
comes from, so that only the budget stops them; names and addresses of private networks are told beside them.

Targets: one stranger has at most 2 of its addresses dialled within half a minute, a hundred strangers 24 together,
and the ring goes on to take a newcomer in.

    python3 tests/attacks/dialling.py
"""

import asyncio
import os
import socket
import threading

import lab
import peer

PORT = int(os.environ.get("PORT", "23600"))
LISTEN_PORT = int(os.environ.get("LISTEN_PORT", "23690"))
ADDRESSES = 1000
WATCH_SECONDS = 20
NEIGHBOURS, SERVICE_MEMBERS = 6, 9


class Listener:
    """Counts connections to all addresses of this host on one port, but for those of the ring itself."""

    def __init__(self, port):
        self.reached = []
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("0.0.0.0", port))
        self._socket.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self._socket.accept()
            self.reached.append(connection.getsockname()[0])
            connection.close()


def near(node_id, distance):
    """An id beside a node's, which it would have as neighbour."""
    return ((int.from_bytes(node_id, "big") + distance) % (1 << 256)).to_bytes(32, "big")


def tell(stranger, victim_id, addresses, start=1):
    """Tells of nodes at these addresses, 16 a message, in both kinds of message."""
    for at in range(0, len(addresses), 16):
        contacts = [[near(victim_id, start + at + i), [address]] for i, address in enumerate(addresses[at:at + 16])]
        try:
            stranger.send([NEIGHBOURS, peer.BASE, True, contacts, b""])
            stranger.send([SERVICE_MEMBERS, peer.DHT, contacts])
        except OSError:
            return


def loopback(number):
    return f"127.77.{number >> 8}.{number & 255}:{LISTEN_PORT}"


async def main():
    verdict, nodes = lab.Verdict(), lab.make_ring("dialling", 3, PORT)
    try:
        if not await lab.start_ring(nodes):
            verdict.check("ring", False, "it did not form")
            return verdict
        listener, victim = Listener(LISTEN_PORT), nodes[0]

        answers = []
        stranger = peer.Peer(victim.address, services=(), joins=False)
        stranger.start(lambda _, message: answers.append(message[0]))
        tell(stranger, victim.id, [loopback(0)])
        for _ in range(100):  # whom to dial is looked at once in some seconds
            await asyncio.sleep(0.1)
            if NEIGHBOURS in answers and listener.reached:
                break
        await asyncio.sleep(3)  # once, and not again
        verdict.check(
            "the attack is taken as protocol", NEIGHBOURS in answers and len(listener.reached) == 1,
            f"its Neighbours are {'' if NEIGHBOURS in answers else 'not '}answered, "
            f"the one address it told was dialled {len(listener.reached)} times")
        stranger.close()

        listener.reached.clear()
        stranger = peer.Peer(victim.address, services=(), joins=False).start()
        addresses = [loopback(1 + i) for i in range(ADDRESSES)]
        await asyncio.to_thread(tell, stranger, victim.id, ["localhost:%d" % LISTEN_PORT] + addresses)
        await asyncio.sleep(WATCH_SECONDS)
        reached = len(listener.reached)
        verdict.check("one stranger, 1,000 addresses", reached <= 2, f"{reached} connections")
        stranger.close()

        listener.reached.clear()
        told = 0
        for number in range(100):
            try:
                stranger = (await asyncio.to_thread(peer.Peer, victim.address, services=(), joins=False)).start()
            except OSError:
                continue  # the victim may refuse connections that come so fast
            addresses = [loopback(5000 + number * 10 + i) for i in range(10)]
            await asyncio.to_thread(tell, stranger, victim.id, addresses, 10_000 + number * 10)
            await asyncio.sleep(0.05)
            stranger.close()
            told += 1
        await asyncio.sleep(5)
        reached = len(listener.reached)
        verdict.check(f"{told} strangers, 10 addresses each", 50 < told and reached <= 24, f"{reached} connections")

        newcomer = lab.Node(os.path.dirname(victim.data), 9, PORT + 9, [victim.address]).start()
        nodes.append(newcomer)
        formed, seconds = await lab.wait_ring(nodes, timeout=30)
        verdict.check("a newcomer joins", formed, f"{seconds:.1f} s")
    finally:
        lab.stop_ring(nodes)
    return verdict


if __name__ == "__main__":
    asyncio.run(main()).end()
