"""A disk that is full of garbage, one of which others take every byte, and one that is read-only.

A node on a 150 MB disk is written to until the disk is full; 30 MB are alive. It must free room by itself and take
writes again. Then it is killed and started with every byte taken by others, and on a read-only mount: it must
serve what it holds. Needs root (mounts a tmpfs).
"""

import subprocess
from collections import Counter

from lab import *

KEYS, VALUE_BYTES = 150, 200_000


def shell(command):
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    return (result.stdout + result.stderr).strip()


async def fill(client):
    """Overwrites the keys for 20 s at the most; returns the values acknowledged and the first failure."""
    values, written, failure, end = {}, 0, None, time.time() + 20
    while time.time() < end and failure is None:
        name, value = f"f{written % KEYS}", os.urandom(VALUE_BYTES)
        written += 1
        result = await client.put(name, value, 3.0)
        if result[0] == "done":
            values[name] = value
        else:
            failure = result[:2]
            values.pop(name, None)  # it may hold either
    print(f"  {written} overwrites, first failure {failure}", flush=True)
    return values


async def count_reads(client, values):
    outcomes = Counter()
    for name, value in values.items():
        got = await client.get(name, 3.0, ROOT_READ)
        outcomes["right" if got[0] == "found" and got[2] == value else got[0]] += 1
    return dict(outcomes)


async def seconds_until_written(client, timeout=60):
    started = time.time()
    while time.time() - started < timeout:
        if (await client.put("probe", os.urandom(VALUE_BYTES), 1.0))[0] == "done":
            return time.time() - started
        await asyncio.sleep(0.5)
    return None


async def restarted(node, label, values, verdict):
    node.kill()
    node.start()
    client = await Client(node.socket).connect(20)
    await asyncio.sleep(2)
    outcomes = await count_reads(client, values)
    verdict.check(f"{label}: it starts and serves all that it holds", outcomes == {"right": len(values)}, outcomes)
    client.close()


async def main():
    verdict = Verdict()
    (node,) = make_ring("full", 1, 25100, host="127.7.0.7")
    os.makedirs(node.data)
    shell(f"mount -t tmpfs -o size=150m tmpfs {node.data}")
    try:
        await start_ring([node])
        client = await Client(node.socket).connect()
        values = await fill(client)
        seconds = await seconds_until_written(client)
        verdict.check("room is freed and writes go on within 10 s", seconds is not None and seconds < 10,
                      f"{seconds and round(seconds, 1)} s")
        for round_ in range(3):
            values |= await fill(client)
            seconds = await seconds_until_written(client)
            verdict.check(f"again, {round_ + 1}", seconds is not None and seconds < 10,
                          f"{seconds and round(seconds, 1)} s")
        values = {name: value for name, value in values.items() if name != "probe"}
        outcomes = await count_reads(client, values)
        verdict.check("nothing acknowledged was lost", outcomes == {"right": len(values)}, outcomes)
        shell(f"dd if=/dev/zero of={node.data}/others bs=4k")
        await restarted(node, "every byte taken by others", values, verdict)
        node.kill()
        shell(f"mount -o remount,ro {node.data}")
        await restarted(node, "read-only", values, verdict)
    finally:
        stop_ring([node])
        shell(f"umount -l {node.data}")
    verdict.end()


asyncio.run(main())
