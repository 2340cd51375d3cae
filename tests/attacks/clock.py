"""Wrong wall clocks (libfaketime, the monotonic clock is left alone).

One of five hosts runs ahead or behind by a minute or two, a day, ten years, stands in 1970, jumps back and
forth, starts wrong, founds a ring while it is wrong. Meanwhile and after each repair: honest writes to keys that
it roots and to others, records with a life of an hour, commands on the host itself. Target: no write and no read
fails, nothing ends early or late, the host is named in `status` on all sides, and an application that dates its
records a day ahead is refused everywhere.
"""

import asyncio
import json
import os
import subprocess
import time

import lab

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
PORT = int(os.environ.get("PORT", "23000"))
DAY = 86_400
OFFSETS = {"+90s": 90, "+1d": DAY, "-1d": -DAY, "-20000d": -20_000 * DAY, "+3650d": 3650 * DAY}
verdict = lab.Verdict()


class FakeClock:
    """A clock that processes started with its environment show; it can be set while they run."""

    def __init__(self, name):
        os.makedirs(lab.LAB, exist_ok=True)
        self.path = os.path.join(lab.LAB, name + ".time")
        self.environment = {
            "LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.set("+0")

    def set(self, offset):
        with open(self.path + ".new", "w") as f:
            f.write(offset + "\n")
        os.replace(self.path + ".new", self.path)

    def reads(self):
        """What a process sees, in seconds from the truth."""
        out = subprocess.check_output(["date", "+%s"], env=lab.ENVIRONMENT | self.environment, text=True)
        return int(out) - time.time()


def command(*arguments, clock=None, timeout=40):
    """Runs the program; its exit code and output."""
    environment = lab.ENVIRONMENT | {"HOME": lab.LAB} | (clock.environment if clock else {})
    done = subprocess.run(
        [lab.PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def clock_troubles(node):
    """What `status` says of clocks at a node."""
    _, out, _ = command("status", "--socket", node.socket, "--json")
    try:
        troubles = json.loads(out).get("troubles") or []
    except ValueError:
        return []
    return [t.get("text", "") for t in troubles if isinstance(t, dict) and t.get("kind") == "clock"]


async def until_named(nodes, wrong, is_wrong=True, timeout=15):
    """Until every node's status names the wrong host, or none names any; whether, and how it reads there."""
    started = time.time()
    while True:
        texts = {n: " ".join(clock_troubles(n)) for n in nodes}
        if is_wrong:
            named = all(
                ("This host's clock" if n is wrong else wrong.id.hex()[:8]) in texts[n] for n in nodes)
        else:
            named = not any(texts.values())
        if named or time.time() - started > timeout:
            return named, texts[wrong], time.time() - started
        await asyncio.sleep(0.5)


async def outcomes(calls):
    return [r[0] for r in await asyncio.gather(*calls)]


def count(results, wanted):
    return sum(r == wanted for r in results)


async def jump(nodes, wrong, clock, offset, mine, others, client):
    """Everything while the clock is off, and after it was set right."""
    at = f"clock {offset}"
    ttl = int(time.time() * 1000) + 3_600_000
    lives = mine[20:25]
    for k in lives:
        await client.put(k, b"an hour", expires=ttl)
    await client.put(mine[25], b"moment", expires=int(time.time() * 1000) + 4000)
    clock.set(offset)
    verdict.check(f"{at}: a process of the host sees it", abs(clock.reads() - OFFSETS[offset]) < 5, round(clock.reads()))

    puts = await outcomes(client.put(k, b"while", 4) for k in mine[:10] + others[:10])
    verdict.check(f"{at}: honest puts", count(puts, "done") == 20, f"{count(puts, 'done')} of 20 done")
    puts = await outcomes(client.put(k, b"hour", 4, expires=ttl) for k in mine[10:15])
    verdict.check(f"{at}: puts with a life of 1 h", count(puts, "done") == 5, f"{count(puts, 'done')} of 5 done")
    gets = await outcomes(client.get(k, 4, lab.ROOT_READ) for k in lives)
    verdict.check(f"{at}: reads of records with a life of 1 h", count(gets, "found") == 5, gets)

    here = [command("put", k, "host", "--socket", wrong.socket, "--timeout", "5", clock=clock)
            for k in mine[15:17] + others[15:17]]
    verdict.check(f"{at}: commands on the host", all(r[0] == 0 for r in here), [r[0] for r in here])
    skewed = await lab.Client(wrong.socket).connect()
    skewed.clock_skew = OFFSETS[offset]
    own = [await skewed.put(k, b"dated by itself", 3) for k in mine[17:19] + others[17:19]]
    if OFFSETS[offset] > 60:
        refused = count([r[0] for r in own], "refused")
        verdict.check(f"{at}: puts dated by that clock are refused", refused == 4, f"{refused} of 4 refused")
    skewed.close()

    named, text, seconds = await until_named(nodes, wrong)
    verdict.check(f"{at}: named in every status", named, f"{seconds:.1f} s; there: {text[:110]!r}")
    await asyncio.sleep(max(0, 4 - seconds))
    got = (await client.get(mine[25], 4, lab.ROOT_READ))[0]
    verdict.check(f"{at}: a life of 4 s is over", got == "expired", got)

    clock.set("+0")
    await asyncio.sleep(0.5)
    puts = await outcomes(client.put(k, b"after", 4) for k in mine[:20] + others[:20])
    verdict.check(f"{at}, repaired: honest puts", count(puts, "done") == 40, f"{count(puts, 'done')} of 40 done")
    values = [(await client.get(k, 4))[2] for k in mine[:20] + others[:20]]
    verdict.check(f"{at}, repaired: they are read", count(values, b"after") == 40, f"{count(values, b'after')} of 40")
    deletes = await outcomes(client.put(k, b"", 4, is_tombstone=True) for k in mine[:5])
    verdict.check(f"{at}, repaired: deletes", count(deletes, "done") == 5, f"{count(deletes, 'done')} of 5 done")
    gets = await outcomes(client.get(k, 4) for k in lives)
    verdict.check(f"{at}, repaired: lives of 1 h go on", count(gets, "found") == 5, gets)
    named, _, seconds = await until_named(nodes, wrong, is_wrong=False, timeout=45)
    verdict.check(f"{at}, repaired: named nowhere", named, f"{seconds:.1f} s")


async def one_of_five():
    clock = FakeClock("five")
    nodes = lab.make_ring("five", 5, PORT)
    wrong = nodes[2]
    wrong.environment = clock.environment
    try:
        await lab.start_ring(nodes)
        def root(name):
            return min(nodes, key=lambda n: lab.ring_distance(n.id, lab.key_of(name)))
        names = [f"c{i}" for i in range(1000)]
        mine = [k for k in names if root(k) is wrong][:30]
        others = [k for k in names if root(k) is not wrong][:30]
        client = await lab.Client(nodes[0].socket).connect()
        for k in mine[:20] + others[:20]:
            assert (await client.put(k, b"before"))[0] == "done"
        for offset in OFFSETS:
            await jump(nodes, wrong, clock, offset, mine, others, client)

        for offset in ("+1d", "-1d", "+3650d", "+0", "-20000d", "+90s", "+0") * 2:
            clock.set(offset)
            await asyncio.sleep(0.7)
            puts = await outcomes(client.put(k, b"jumps", 4) for k in mine[:5] + others[:5])
            verdict.check(f"jumps, now {offset}: honest puts", count(puts, "done") == 10, count(puts, "done"))

        for offset in ("+1d", "-20000d"):
            wrong.stop()
            clock.set(offset)
            wrong.start()
            formed, seconds = await lab.wait_ring(nodes)
            verdict.check(f"starts at {offset}: joins", formed, f"{seconds:.1f} s")
            puts = await outcomes(client.put(k, b"started", 4) for k in mine[:10] + others[:10])
            verdict.check(f"starts at {offset}: honest puts", count(puts, "done") == 20, count(puts, "done"))
            named, text, seconds = await until_named(nodes, wrong)
            verdict.check(f"starts at {offset}: named", named, f"{seconds:.1f} s; there: {text[:110]!r}")
            clock.set("+0")
            puts = await outcomes(client.put(k, b"repaired", 4) for k in mine[:10] + others[:10])
            verdict.check(f"starts at {offset}, repaired: honest puts", count(puts, "done") == 20, count(puts, "done"))
        with open(nodes[0].log) as log:
            told = sum("clock of node" in line and wrong.id.hex()[:8] in line for line in log)
        verdict.check("another node's log names it, but not all the time", 1 <= told <= 20, f"{told} lines")
    finally:
        lab.stop_ring(nodes)


async def founder():
    """A ring that was founded at the wrong time; the others come later."""
    clock = FakeClock("founder")
    nodes = lab.make_ring("founder", 5, PORT + 10)
    nodes[0].environment = clock.environment
    clock.set("+3650d")
    try:
        nodes[0].start()
        await lab.wait_ring(nodes[:1], must_settle=False)
        done = [command("put", f"f{i}", "founded", "--socket", nodes[0].socket, clock=clock)[0] for i in range(6)]
        verdict.check("founder in ten years: puts", done == [0] * 6, done)
        for n in nodes[1:]:
            n.start()
        formed, seconds = await lab.wait_ring(nodes)
        verdict.check("founder in ten years: others join", formed, f"{seconds:.1f} s")
        client = await lab.Client(nodes[3].socket).connect()
        values = [(await client.get(f"f{i}", 5))[2] for i in range(6)]
        verdict.check("founder in ten years: its records are read", count(values, b"founded") == 6, values)
        puts = await outcomes(client.put(f"f{i}", b"since", 5) for i in range(3))
        verdict.check("founder in ten years: its records are replaced", count(puts, "done") == 3, puts)
        started = time.time()
        while time.time() - started < 60:
            answers = [await client.get(f"f{i}", 5) for i in range(6)]
            if all(a[0] == "found" and (a[1][0] >> 16) / 1000 < time.time() + 60 for a in answers):
                break
            await asyncio.sleep(2)
        lab.stop_ring(nodes[:1])
        await asyncio.sleep(3)
        values = [(await client.get(f"f{i}", 8))[2] for i in range(6)]
        wanted = [b"since"] * 3 + [b"founded"] * 3
        verdict.check("founder in ten years, gone: the others have its records", values == wanted, values)
    finally:
        lab.stop_ring(nodes)


async def few():
    """Rings too small for three clocks to agree."""
    for size in (2, 3):
        clock = FakeClock(f"few{size}")
        nodes = lab.make_ring(f"few{size}", size, PORT + 20 + size * 5)
        wrong = nodes[-1]
        wrong.environment = clock.environment
        try:
            await lab.start_ring(nodes)
            clock.set("+1d")
            started, seen = time.time(), []
            while time.time() - started < 20:
                seen = [" ".join(clock_troubles(n)) for n in nodes]
                if all("1 d" in text or "24 h" in text for text in seen):
                    break
                await asyncio.sleep(0.5)
            verdict.check(f"one of {size} a day ahead: named on all sides", all("1 d" in t or "24 h" in t for t in seen),
                          f"{time.time() - started:.1f} s; {seen[0][:90]!r}")
            client = await lab.Client(nodes[0].socket).connect()
            if size == 3:
                puts = await outcomes(client.put(f"t{i}", b"x", 4) for i in range(30))
                verdict.check("one of 3 a day ahead: honest puts", count(puts, "done") == 30, count(puts, "done"))
            else:
                [command("put", f"t{i}", "bad", "--socket", wrong.socket, "--timeout", "2", clock=clock) for i in range(4)]
            clock.set("+0")
            await asyncio.sleep(3)
            puts = await outcomes(client.put(f"t{i}", b"y", 6) for i in range(30))
            verdict.check(f"one of {size}, repaired: honest puts", count(puts, "done") == 30, count(puts, "done"))
        finally:
            lab.stop_ring(nodes)


async def main():
    await one_of_five()
    await founder()
    await few()
    verdict.end()


asyncio.run(main())
