#!/usr/bin/env python3
"""A client of the local protocol, written from docs/protocol.md alone.

    igor_client.py SOCKET status
    igor_client.py SOCKET ask SERVICE KEY_HEX TEXT     prints the answer and who gave it
    igor_client.py SOCKET serve SERVICE                answers each request with its payload reversed
    igor_client.py SOCKET watch SERVICE                a member that upper-cases what passes through
    igor_client.py SOCKET future                       sends what this version does not know

Needs msgpack (Debian: python3-msgpack).
"""

import socket
import struct
import sys

import msgpack

HELLO, STATUS, SUBSCRIBE, UNSUBSCRIBE, ROUTE, REQUEST, CANCEL, REPLY, DECIDE, FAIL = range(1, 11)
(WELCOME, REFUSED, STATUS_RESULT, SUBSCRIBED, UNSUBSCRIBED,
 DELIVER, FORWARD, UPDATE, RESULT) = range(32, 41)

CLIENT, MEMBER = 0, 1
STATUS_NAMES = ["ok", "timeout", "unreachable", "no such node", "overloaded", "stopped", "too large", "closed",
                "failed"]


class Refused(Exception):
    """The daemon said no."""


class Igor:
    """One attachment to a daemon."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._last = 0
        self.send(HELLO, 1, 1, "python")
        welcome = self.receive()
        if welcome[0] == REFUSED:
            raise Refused(welcome[3])
        assert welcome[0] == WELCOME, welcome
        self.version, self.node_id, self.network, self.payload_bytes_max, self.daemon_version = welcome[1:6]

    def next_number(self):
        self._last += 1
        return self._last

    def send(self, *fields):
        body = msgpack.packb(list(fields), use_bin_type=True)
        self._socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self):
        (length,) = struct.unpack(">I", self._read(4))
        return msgpack.unpackb(self._read(length), raw=False)

    def call(self, kind, *fields):
        """Sends a frame that has an answer, and waits for that; upcalls meanwhile are handled."""
        number = self.next_number()
        self.send(kind, number, *fields)
        while True:
            frame = self.receive()
            if frame[0] in (STATUS_RESULT, SUBSCRIBED, UNSUBSCRIBED) and frame[1] == number:
                return frame
            if frame[0] == REFUSED and frame[1] == number:
                raise Refused(frame[3])
            self.upcall(frame)

    def request(self, subscription, key, payload, timeout_ms, exact=False):
        number = self.next_number()
        self.send(REQUEST, subscription, number, key, exact, timeout_ms, payload)
        while True:
            frame = self.receive()
            if frame[0] == RESULT and frame[1] == number:
                return frame[2:5]
            self.upcall(frame)

    def upcall(self, frame):
        """What comes unasked; serving clients do more."""
        if frame[0] == FORWARD:
            self.send(DECIDE, frame[2], True, None)

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise EOFError("the daemon closed the connection")
            data += piece
        return data


def say(*words):
    print(*words, flush=True)


def status(igor):
    (_, _, node_id, network, version, addresses, is_joined, peers, services) = igor.call(STATUS)[:9]
    say("node", node_id.hex(), "network", network, "version", version, "joined", is_joined)
    say("addresses", *addresses)
    for peer in peers:
        say("peer", peer[0].hex(), *peer[1])
    for service in services:
        say("service", service[0], "neighbours", len(set(service[1][2]) | set(service[1][3])))


def ask(igor, service, key, text):
    igor.call(SUBSCRIBE, 1, service, CLIENT, False)
    code, responder, payload = igor.request(1, bytes.fromhex(key), text.encode(), 20_000)
    say(STATUS_NAMES[code], responder.hex(), payload.decode())
    igor.call(UNSUBSCRIBE, 1)


def serve(igor, service):
    subscribed = igor.call(SUBSCRIBE, 1, service, MEMBER, False)
    say("serving", service, "at", igor.node_id.hex(), "member", subscribed[2][1])
    while True:
        frame = igor.receive()
        if frame[0] == DELIVER and frame[4] != 0:
            igor.send(REPLY, frame[4], frame[5][::-1])
        elif frame[0] == UPDATE:
            say("update", "joined", len(frame[3]), "departed", len(frame[4]))
        else:
            igor.upcall(frame)


def watch(igor, service):
    igor.call(SUBSCRIBE, 1, service, MEMBER, True)
    say("watching", service)
    while True:
        frame = igor.receive()
        if frame[0] == FORWARD:
            igor.send(DECIDE, frame[2], True, frame[6].upper())


def future(igor):
    def answer_to(*frame):
        """The next answer: what the daemon tells unasked may come before it."""
        igor.send(*frame)
        while (answer := igor.receive())[0] not in (REFUSED, STATUS_RESULT):
            igor.upcall(answer)
        return answer

    refused = answer_to(99, "a type of a later version")
    assert refused[0] == REFUSED and refused[2] == 1, refused
    answer = answer_to(STATUS, 5, "a field of a later version")
    assert answer[0] == STATUS_RESULT and answer[1] == 5, answer
    say("both understood")


COMMANDS = {"status": status, "ask": ask, "serve": serve, "watch": watch, "future": future}

if __name__ == "__main__":
    try:
        COMMANDS[sys.argv[2]](Igor(sys.argv[1]), *sys.argv[3:])
    except (Refused, OSError, EOFError) as failure:
        sys.exit(f"igor_client: {failure}")
