"""A ring of real processes, a client of the local socket that speaks the DHT's protocol, and honest load.

What the attack scripts beside this file stand on. IGOR_DHT names the program under attack (default: the
launcher of this tree), LAB the folder to work in (default: a new one). Traffic stays on loopback.
Needs python3-msgpack; faketime for clocks.
"""

import asyncio
import hashlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter

import msgpack

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("IGOR_DHT", os.path.join(ROOT, "igor-dht"))
LAB = os.environ.get("LAB") or tempfile.mkdtemp(prefix="igor-lab-")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("IGOR_")} | {"DOTNET_NOLOGO": "1"}

FRAME_BYTES_MAX = 1 << 25
STATUS_NAMES = ["ok", "timeout", "unreachable", "no such node", "overloaded", "stopped", "too large", "closed"]

# Local protocol (docs/protocol.md).
HELLO, STATUS, SUBSCRIBE, REQUEST = 1, 2, 3, 6
WELCOME, REFUSED, STATUS_RESULT, SUBSCRIBED, UNSUBSCRIBED, RESULT = 32, 33, 34, 35, 36, 40

# Messages of the DHT (docs/dht-protocol.md).
PUT, GET, DHT_STATUS = 1, 2, 8
PUT_DONE, CONFLICT, NOT_ENOUGH, DHT_REFUSED, BUSY, GOT = 32, 33, 34, 35, 36, 37
OUTCOMES = ["found", "absent", "deleted", "expired"]
ROOT_READ, QUORUM_READ = 0, 1


def key_of(name, record_type=b"value"):
    """The key of a record's name."""
    if isinstance(name, str):
        name = name.encode()
    return hashlib.sha256(record_type + b"\0" + name).digest()


def ring_distance(a, b):
    """How far two keys are apart on the symmetric ring."""
    d = (int.from_bytes(a, "big") - int.from_bytes(b, "big")) % (1 << 256)
    return min(d, (1 << 256) - d)


def percentile(samples, fraction):
    """The value below which that fraction of the samples lies; None without samples."""
    samples = sorted(samples)
    return samples[min(len(samples) - 1, int(len(samples) * fraction))] if samples else None


def milliseconds(seconds):
    return None if seconds is None else round(seconds * 1000, 1)


class Node:
    """One `igor-dht serve` process."""

    def __init__(self, folder, number, port, bootstrap=(), host="127.0.0.1", wrap=(), environment=None, extra=()):
        self.data = f"{folder}/n{number}"
        self.socket = f"{folder}/s{number}.sock"
        self.log = f"{folder}/n{number}.log"
        self.host, self.port, self.address = host, port, f"{host}:{port}"
        self.bootstrap, self.wrap, self.extra = list(bootstrap), list(wrap), list(extra)
        self.environment = environment or {}
        self.process = None
        self.id = None
        os.makedirs(folder, exist_ok=True)

    def start(self):
        command = [*self.wrap, PROGRAM, "serve", "--data", self.data, "--socket", self.socket,
                   "--listen", self.address]
        for address in self.bootstrap:
            command += ["--bootstrap", address]
        with open(self.log, "ab") as log:
            log.write(f"--- start {time.time():.3f}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                command + self.extra, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=ENVIRONMENT | self.environment, start_new_session=True)
        return self

    @property
    def pid(self):
        return self.process.pid

    def rss_mib(self):
        """Resident memory; None when the process is gone."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                for line in status:
                    if line.startswith("VmRSS"):
                        return int(line.split()[1]) // 1024
        except OSError:
            pass
        return None

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, sig=signal.SIGKILL, wait=True):
        if not self.is_alive():
            return
        os.kill(self.pid, sig)
        if wait:
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.kill(self.pid, signal.SIGKILL)
                self.process.wait()

    def stop(self):
        self.kill(signal.SIGTERM)


class Closed(Exception):
    """The node refused or ended the attachment."""


class Client:
    """One attachment to a node's local socket, client of the service `dht`."""

    def __init__(self, path):
        self.path = path
        self.is_open = False
        self.clock_skew = 0.0
        self.node_id = None
        self.writer_id = random.getrandbits(64)
        self._last, self._clock = 0, 0
        self._calls, self._requests = {}, {}

    async def connect(self, timeout=20, service="dht"):
        started = time.time()
        while True:
            try:
                self._in, self._out = await asyncio.open_unix_connection(self.path, limit=FRAME_BYTES_MAX)
                break
            except OSError:
                if time.time() - started > timeout:
                    raise
                await asyncio.sleep(0.05)
        self.send(HELLO, 1, 1, "attack")
        welcome = await asyncio.wait_for(self._read(), timeout)
        if welcome[0] != WELCOME:
            raise Closed(welcome)
        self.node_id, self.is_open = welcome[2], True
        self._loop_task = asyncio.create_task(self._loop())
        if service:
            await self.call(SUBSCRIBE, 1, service, 0, False)
        return self

    def send(self, *fields):
        body = msgpack.packb(list(fields), use_bin_type=True)
        self._out.write(struct.pack(">I", len(body)) + body)

    async def _read(self):
        (length,) = struct.unpack(">I", await self._in.readexactly(4))
        body = await self._in.readexactly(length)
        return msgpack.unpackb(body, raw=False, strict_map_key=False, max_bin_len=FRAME_BYTES_MAX)

    async def _loop(self):
        try:
            while True:
                frame = await self._read()
                if frame[0] == RESULT:
                    self._end(self._requests, frame[1], frame[2:5])
                elif frame[0] in (STATUS_RESULT, SUBSCRIBED, UNSUBSCRIBED, REFUSED):
                    self._end(self._calls, frame[1], frame)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.is_open = False
            for future in [*self._calls.values(), *self._requests.values()]:
                if not future.done():
                    future.set_exception(Closed())
            self.close()

    @staticmethod
    def _end(table, number, result):
        future = table.pop(number, None)
        if future and not future.done():
            future.set_result(result)

    def _begin(self, table):
        self._last += 1
        table[self._last] = asyncio.get_running_loop().create_future()
        return self._last, table[self._last]

    async def call(self, kind, *fields, timeout=20):
        number, future = self._begin(self._calls)
        self.send(kind, number, *fields)
        return await asyncio.wait_for(future, timeout)

    async def status(self):
        return await self.call(STATUS)

    async def request(self, key, payload, timeout=5.0, exact=False, subscription=1):
        """Returns status, responder and payload."""
        if not self.is_open:
            raise Closed()
        number, future = self._begin(self._requests)
        self.send(REQUEST, subscription, number, key, exact, int(timeout * 1000), payload)
        try:
            return await asyncio.wait_for(future, timeout + 3)
        finally:
            self._requests.pop(number, None)

    def close(self):
        try:
            self._out.close()
        except OSError:
            pass

    def next_clock(self, above=0):
        """The next version's hybrid clock: wall milliseconds in the upper 48 bits."""
        wall = int((time.time() + self.clock_skew) * 1000) << 16
        self._clock = max(wall, self._clock + 1, above + 1)
        return self._clock

    def record(self, key, value, clock, expires=0, replicas=5, is_tombstone=False, writer=None, record_type="value"):
        writer = self.writer_id if writer is None else writer
        return msgpack.packb(
            [record_type, key, clock, writer, expires, replicas, is_tombstone, b"", value], use_bin_type=True)

    async def put(self, name, value, timeout=10.0, acks=1, replicas=5, is_tombstone=False, key=None, expires=0):
        """('done', version, holders, wanted, root), ('refused', why, version) or ('failed', last, version)."""
        key = key or key_of(name)
        if is_tombstone:
            expires, value = int(time.time() * 1000) + 7 * 86_400_000, b""
        clock = self.next_clock()
        end, pause, last = time.time() + timeout, 0.025, None
        while (left := end - time.time()) > 0:
            record = self.record(key, value, clock, expires, replicas, is_tombstone)
            patience = min(left, 5.0)
            message = msgpack.packb([PUT, acks, int(patience * 750), record], use_bin_type=True)
            status, root, payload = await self.request(key, message, patience)
            if status != 0:
                last = ("status", STATUS_NAMES[status] if status < len(STATUS_NAMES) else status)
            else:
                answer = msgpack.unpackb(payload, raw=False)
                if answer[0] == PUT_DONE:
                    return ("done", (answer[1], answer[2]), answer[4], answer[3], root)
                if answer[0] == CONFLICT:
                    last, clock = ("conflict", answer[1:3]), self.next_clock(answer[1])
                elif answer[0] == DHT_REFUSED and answer[1] != 8:
                    return ("refused", answer[1:], (clock, self.writer_id))
                else:
                    last = answer
            await asyncio.sleep(min(random.uniform(pause / 2, pause), max(0, end - time.time())))
            pause = min(1.0, pause * 2)
        return ("failed", last, (clock, self.writer_id))

    async def get(self, name, timeout=10.0, consistency=QUORUM_READ, key=None):
        """(outcome, version, value, is_degraded, answered, asked, root); ('unreachable', None, None, last)."""
        key = key or key_of(name)
        end, pause, last = time.time() + timeout, 0.025, None
        while (left := end - time.time()) > 0:
            patience = min(left, 5.0)
            message = msgpack.packb([GET, key, consistency, int(patience * 750)], use_bin_type=True)
            status, root, payload = await self.request(key, message, patience)
            if status != 0:
                last = ("status", STATUS_NAMES[status] if status < len(STATUS_NAMES) else status)
            else:
                answer = msgpack.unpackb(payload, raw=False, max_bin_len=FRAME_BYTES_MAX)
                if answer[0] == GOT and answer[1] < len(OUTCOMES):
                    outcome, degraded, answered, asked, clock, writer, _, record = answer[1:9]
                    value = None
                    if outcome == 0:
                        value = msgpack.unpackb(record, raw=False, max_bin_len=FRAME_BYTES_MAX)[8]
                    return (OUTCOMES[outcome], (clock, writer), value, degraded, answered, asked, root)
                if answer[0] == DHT_REFUSED:
                    return ("refused", *answer[1:3])
                last = answer
            await asyncio.sleep(min(random.uniform(pause / 2, pause), max(0, end - time.time())))
            pause = min(1.0, pause * 2)
        return ("unreachable", None, None, last)

    async def dht_status(self):
        """The member's own status message; None when it does not answer."""
        status, _, payload = await self.request(self.node_id, msgpack.packb([DHT_STATUS]), 5, exact=True)
        return None if status else msgpack.unpackb(payload, raw=False)


def make_ring(name, count, port, host="127.0.0.1", is_fresh=True, **node):
    """Nodes on consecutive ports that join through the first; nothing is started."""
    folder = os.path.join(LAB, name)
    if is_fresh:
        shutil.rmtree(folder, ignore_errors=True)
    return [Node(folder, i, port + i, [f"{host}:{port}"] if i else [], host=host, **node) for i in range(count)]


async def start_ring(nodes, timeout=60):
    """Starts the nodes and waits until each knows all others."""
    for node in nodes:
        node.start()
        await asyncio.sleep(1.0 if node is nodes[0] else 0.3)
    formed, seconds = await wait_ring(nodes, timeout=timeout)
    print(f"ring of {len(nodes)}: {'formed' if formed else 'NOT formed'} after {seconds:.1f} s", flush=True)
    return formed


async def wait_ring(nodes, count=None, timeout=60, must_settle=True):
    """Until each node has count - 1 neighbours in the DHT; returns whether, and the seconds it took."""
    count = count or len(nodes)
    started, pending, clients = time.time(), set(nodes), {}
    while pending and time.time() - started < timeout:
        for node in list(pending):
            try:
                if node not in clients or not clients[node].is_open:
                    clients[node] = await Client(node.socket).connect(timeout=5)
                node.id = clients[node].node_id
                status = await clients[node].dht_status()
                if status and status[1] and len(status[4]) == count - 1 and (status[2] or not must_settle):
                    pending.discard(node)
            except (Closed, asyncio.TimeoutError, OSError):
                pass
        if pending:
            await asyncio.sleep(0.2)
    for client in clients.values():
        client.close()
    return not pending, time.time() - started


def stop_ring(nodes):
    for node in nodes:
        if node.is_alive():
            os.kill(node.pid, signal.SIGCONT)
            node.kill(signal.SIGTERM, wait=False)
    for node in nodes:
        if node.process is not None:
            try:
                node.process.wait(10)
            except subprocess.TimeoutExpired:
                node.kill()


class Load:
    """Honest clients that put and get small records, and what they saw when."""

    def __init__(self, sockets, clients=4, keys=50, pause=0.05, value_bytes=100, timeout=10.0, prefix="load"):
        self.sockets, self.clients, self.keys, self.pause = sockets, clients, keys, pause
        self.value_bytes, self.timeout, self.prefix = value_bytes, timeout, prefix
        self.operations = []  # (started, seconds, operation, outcome)
        self._is_ending = False

    def start(self):
        self._tasks = [asyncio.create_task(self._run(i)) for i in range(self.clients)]
        return self

    async def end(self):
        self._is_ending = True
        await asyncio.gather(*self._tasks)

    async def _run(self, number):
        client = None
        while not self._is_ending:
            started = time.time()
            operation, outcome = "connect", "exception"
            try:
                if client is None or not client.is_open:
                    client = await Client(self.sockets[number % len(self.sockets)]).connect(30)
                    started = time.time()
                name = f"{self.prefix}{random.randrange(self.keys)}"
                if random.random() < 0.5:
                    operation = "put"
                    outcome = (await client.put(name, os.urandom(self.value_bytes), self.timeout))[0]
                else:
                    operation = "get"
                    outcome = (await client.get(name, self.timeout))[0]
            except (Closed, asyncio.TimeoutError, OSError) as e:
                outcome, client = type(e).__name__, None
            self.operations.append((started, time.time() - started, operation, outcome))
            await asyncio.sleep(self.pause if client else 0.2)
        if client:
            client.close()

    def between(self, start, end):
        return [o for o in self.operations if start <= o[0] < end]

    def p99(self, start, end):
        """Seconds; None without operations."""
        return percentile([o[1] for o in self.between(start, end)], 0.99)

    def report(self, start, end, label):
        operations = self.between(start, end)
        seconds = [o[1] for o in operations]
        print(
            f"  {label}: {len(operations)} operations, p50 {milliseconds(percentile(seconds, 0.5))} ms, "
            f"p99 {milliseconds(percentile(seconds, 0.99))} ms, max {milliseconds(max(seconds, default=None))} ms, "
            f"{dict(Counter((o[2], o[3]) for o in operations))}", flush=True)


class Verdict:
    """Collects what was measured against its target; its exit code is 0 when all ended at their targets."""

    def __init__(self):
        self._failed = 0

    def check(self, what, is_met, measured):
        self._failed += not is_met
        print(f"{'ok  ' if is_met else 'FAIL'} {what}: {measured}", flush=True)

    def end(self):
        sys.exit(1 if self._failed else 0)
