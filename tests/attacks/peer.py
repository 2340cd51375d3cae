"""A hostile peer: speaks the wire between nodes (docs/protocol.md) with an identity that it made itself.

Needs python3-msgpack and python3-cryptography.
"""

import datetime
import hashlib
import os
import queue
import random
import socket
import ssl
import struct
import tempfile
import threading

import msgpack
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MESSAGE_HELLO, MESSAGE_SERVICES, MESSAGE_PING, MESSAGE_PONG, MESSAGE_GOODBYE = 1, 2, 3, 4, 5
MESSAGE_ROUTE, MESSAGE_REPLY, MESSAGE_ACCEPT = 16, 17, 19
FLAG_EXACT = 1


def service_id(name):
    return hashlib.sha256(name.encode()).digest()[:16] if name else b"\0" * 16


DHT, BASE = service_id("dht"), service_id("")


class Identity:
    """A P-256 key, its certificate, and the node id that they prove."""

    _folder = tempfile.mkdtemp(prefix="igor-peer-")

    def __init__(self, near=None, tries=1):
        """With `near`: of that many keys the one whose id is nearest to it on the ring."""
        candidates = [self._generate() for _ in range(tries)]
        self.key, self.id = min(candidates, key=lambda c: 0 if near is None else self._distance(c[1], near))
        now = datetime.datetime.now(datetime.timezone.utc)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650)).sign(self.key, hashes.SHA256()))
        self.path = os.path.join(self._folder, f"{self.id.hex()[:16]}.pem")
        with open(self.path, "wb") as f:
            f.write(self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            f.write(certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _generate():
        key = ec.generate_private_key(ec.SECP256R1())
        return key, node_id(key.public_key())

    @staticmethod
    def _distance(a, b):
        d = (int.from_bytes(a, "big") - int.from_bytes(b, "big")) % (1 << 256)
        return min(d, (1 << 256) - d)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["igor/1"])
        context.load_cert_chain(self.path)
        return context


def node_id(public_key):
    return hashlib.sha256(public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()


def hello(services=(), addresses=(), network="igor", joins=True, instance=None, services_version=1,
          purpose=0):
    instance = random.getrandbits(63) if instance is None else instance
    return [MESSAGE_HELLO, 1, 1, network, instance, list(addresses), "attack", joins, services_version,
            b"".join(service_id(name) for name in services), 0, 0, purpose]


def route(service, destination, source, hop_id, payload, hops=64, flags=0, timeout_ms=5000):
    """A routed frame's body, in the one encoding that nodes take for it."""
    return (b"\x99\x10\xc4\x10" + service + b"\xc4\x20" + destination + b"\xc4\x20" + source
            + b"\xcf" + struct.pack(">Q", hop_id) + bytes([hops, flags])
            + b"\xce" + struct.pack(">I", timeout_ms) + b"\xc6" + struct.pack(">I", len(payload)) + payload)


def reply(hop_id, status, responder, payload):
    return (b"\x95\x11\xcf" + struct.pack(">Q", hop_id) + bytes([status]) + b"\xc4\x20" + responder
            + b"\xc6" + struct.pack(">I", len(payload)) + payload)


def framed(body):
    return struct.pack(">I", len(body)) + body


class Peer:
    """One TLS connection to a node; `services=()` and `joins=False` make it a stranger."""

    def __init__(self, address, identity=None, says_hello=True, services=("", "dht"), timeout=10,
                 receive_buffer=None, source_host=None, **hello_fields):
        self.identity = identity or Identity()
        self.peer_hello, self.closed, self.handler = None, None, None
        self._lock, self._waiting, self._last_hop = threading.Lock(), {}, 0
        raw = socket.socket()
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source_host:
            raw.bind((source_host, 0))
        raw.settimeout(timeout)
        host, port = address.rsplit(":", 1)
        raw.connect((host, int(port)))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self.identity.context().wrap_socket(raw)
        certificate = x509.load_der_x509_certificate(self.socket.getpeercert(True))
        self.peer_id = node_id(certificate.public_key())
        if says_hello:
            self.send(hello(services, **hello_fields))
            self.send([MESSAGE_ACCEPT, 0, 1 << 24])

    def send(self, message):
        self.send_body(msgpack.packb(message, use_bin_type=True))

    def send_body(self, body):
        with self._lock:
            self.socket.sendall(framed(body))

    def start(self, handler=None):
        """Reads on a thread: answers pings, ends `ask`, hands every message to the handler."""
        self.handler = handler
        self.socket.settimeout(None)
        threading.Thread(target=self._loop, daemon=True).start()
        return self

    def ask(self, service, destination, payload, flags=0, source=None, timeout=5):
        """Sends a routed request; returns the reply message or None."""
        self._last_hop += 1
        hop, answer = self._last_hop, queue.Queue()
        self._waiting[hop] = answer
        source = source or self.identity.id
        self.send_body(route(service, destination, source, hop, payload, flags=flags, timeout_ms=int(timeout * 1000)))
        try:
            return answer.get(timeout=timeout + 1)
        except queue.Empty:
            return None

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def _loop(self):
        try:
            while True:
                message = self._read()
                if message[0] == MESSAGE_HELLO:
                    self.peer_hello = message
                elif message[0] == MESSAGE_PING:
                    self.send([MESSAGE_PONG, message[1], 0])
                elif message[0] == MESSAGE_GOODBYE:
                    self.closed = ("goodbye", message[1], message[2])
                elif message[0] == MESSAGE_REPLY and (answer := self._waiting.pop(message[1], None)):
                    answer.put(message)
                if self.handler:
                    self.handler(self, message)
        except (EOFError, OSError, ValueError) as e:
            self.closed = self.closed or ("end", repr(e)[:80])

    def _read(self):
        (length,) = struct.unpack(">I", self._receive(4))
        return msgpack.unpackb(self._receive(length), raw=False, max_bin_len=1 << 25)

    def _receive(self, count):
        received = b""
        while len(received) < count:
            part = self.socket.recv(count - len(received))
            if not part:
                raise EOFError
            received += part
        return received
