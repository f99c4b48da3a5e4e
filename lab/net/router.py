"""The public Internet of a lab: passes IP packets between TUN devices with seeded faults for each pair of sites.

Python, because Node cannot open a TUN device and many kernels come without `tc netem`; standard library only.
One JSON command a line on stdin, one JSON answer a line on stdout. Ends when stdin ends, and its devices with it.

  {"op": "site", "site": "left", "device": "w1", "prefixes": ["11.1.0.0/16"]}   makes the device, here
  {"op": "line", "from": "left", "to": "right", "line": {...}}                  from this site to that one
  {"op": "line", "line": {...}}                                                 every other pair
  {"op": "cut", "pairs": [["left", "right"], ...]}                              these pass nothing, all others do
  {"op": "counts"}                                                              packets by pair since the start

A line is {delayMs, jitterMs, loss, duplicate, reorder, bitsPerSecond, queueMs}; shares are from 0 to 1. Packets of a
pair stay in order however the jitter falls; a reordered one leaves at half of its delay and overtakes others.
"""

import fcntl
import heapq
import ipaddress
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
MAX_PACKET = 65535
# Packets taken from one device before the others have their turn.
BURST = 64
PERFECT = {"delayMs": 0, "jitterMs": 0, "loss": 0, "duplicate": 0, "reorder": 0, "bitsPerSecond": 0, "queueMs": 500}


class Pair:
    """One direction between two sites."""

    def __init__(self, seed, line):
        self.random = random.Random(seed)
        self.sent = self.lost = self.bytes = 0
        self.cut = False
        self.free_at = 0.0
        self.last_due = 0.0
        self.set(line)

    def set(self, line):
        self.delay = line["delayMs"] / 1000
        self.jitter = line["jitterMs"] / 1000
        self.loss, self.duplicate, self.reorder = line["loss"], line["duplicate"], line["reorder"]
        self.rate, self.queue = line["bitsPerSecond"], line["queueMs"] / 1000
        self.perfect = not any(line[name] for name in PERFECT if name != "queueMs")

    def dues(self, size, now):
        """When copies of a packet arrive; none when it is lost."""
        if self.cut or (self.loss and self.random.random() < self.loss):
            self.lost += 1
            return ()
        leaves = now
        if self.rate:
            leaves = max(now, self.free_at)
            if leaves - now > self.queue:
                self.lost += 1
                return ()
            leaves += size * 8 / self.rate
            self.free_at = leaves
        self.sent += 1
        self.bytes += size
        if self.reorder and self.random.random() < self.reorder:
            return (leaves + self.delay / 2,)
        due = leaves + self.delay
        if self.jitter:
            due += self.random.uniform(-self.jitter, self.jitter)
        self.last_due = due = max(due, self.last_due, now)
        return (due, due) if self.duplicate and self.random.random() < self.duplicate else (due,)


class Router:
    def __init__(self, seed):
        self.seed = seed
        self.line = dict(PERFECT)
        self.fds, self.sites, self.prefixes, self.pairs, self.routes = {}, {}, [], {}, {}
        self.waiting, self.number = [], 0
        self.poll = select.epoll()

    def site(self, site, device, prefixes):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
        self.fds[fd], self.sites[site] = site, fd
        self.prefixes += [(ipaddress.ip_network(prefix), site) for prefix in prefixes]
        self.poll.register(fd, select.EPOLLIN)

    def pair(self, source, target):
        pair = self.pairs.get((source, target))
        if pair is None:
            pair = self.pairs[source, target] = Pair(f"{self.seed} {source} {target}", self.line)
            pair.own = False
        return pair

    def set_line(self, line, source=None, target=None):
        if source is not None:
            pair = self.pair(source, target)
            pair.own = True
            pair.set({**PERFECT, **line})
            return
        self.line = {**PERFECT, **line}
        for pair in self.pairs.values():
            if not pair.own:
                pair.set(self.line)

    def cut(self, pairs):
        for pair in self.pairs.values():
            pair.cut = False
        for source, target in pairs:
            self.pair(source, target).cut = True

    def route(self, packet):
        """The site that a packet goes to, or None: multicast, unknown, damaged."""
        version = packet[0] >> 4
        raw = packet[16:20] if version == 4 else packet[24:40]
        if raw not in self.routes:
            if len(self.routes) > 10_000:
                self.routes.clear()
            address = ipaddress.ip_address(raw) if len(raw) in (4, 16) else None
            self.routes[raw] = next((site for prefix, site in self.prefixes if address in prefix), None)
        return self.routes[raw]

    def take(self, fd):
        source = self.fds[fd]
        for _ in range(BURST):
            try:
                packet = os.read(fd, MAX_PACKET)
            except BlockingIOError:
                return
            except OSError:
                # The site's namespace is gone.
                self.poll.unregister(fd)
                return
            target = self.route(packet)
            if target is None or target == source:
                continue
            pair = self.pair(source, target)
            if pair.perfect and not pair.cut and not self.waiting:
                pair.sent += 1
                pair.bytes += len(packet)
                self.give(target, packet)
                continue
            for due in pair.dues(len(packet), time.monotonic()):
                self.number += 1
                heapq.heappush(self.waiting, (due, self.number, target, packet))

    def give(self, target, packet):
        try:
            os.write(self.sites[target], packet)
        except OSError:
            pass  # The interface is down.

    def run(self, commands):
        self.poll.register(commands, select.EPOLLIN)
        rest = b""
        while True:
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                _, _, target, packet = heapq.heappop(self.waiting)
                self.give(target, packet)
            timeout = max(0, self.waiting[0][0] - now) if self.waiting else -1
            for fd, _ in self.poll.poll(timeout):
                if fd != commands:
                    self.take(fd)
                    continue
                data = os.read(commands, MAX_PACKET)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for text in lines:
                    answer(self.command(json.loads(text)))

    def command(self, order):
        try:
            match order["op"]:
                case "site":
                    self.site(order["site"], order["device"], order["prefixes"])
                case "line":
                    self.set_line(order["line"], order.get("from"), order.get("to"))
                case "cut":
                    self.cut(order["pairs"])
                case "counts":
                    named = {f"{a} {b}": pair for (a, b), pair in self.pairs.items()}
                    return {name: {"sent": p.sent, "lost": p.lost, "bytes": p.bytes} for name, p in named.items()}
            return {}
        except (KeyError, OSError, ValueError) as fault:
            return {"error": f"{type(fault).__name__}: {fault}"}


def answer(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


# The folder of the run is only there for the lab's guardian, which knows its processes by it.
_, folder, seed = sys.argv
Router(seed).run(sys.stdin.fileno())
