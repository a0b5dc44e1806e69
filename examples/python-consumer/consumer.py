#!/usr/bin/env python3
"""Reads the outcomes of payments from remesa's stream and writes each into a file of JSON lines, once.

Survives kill -9 at any moment: an event is written down, then acknowledged; what a dead consumer left is taken over; what comes twice is
recognized by its event_id. Needs Python 3.8 and nothing else: the few commands of Redis are spoken over a socket.
"""

import argparse
import json
import os
import signal
import socket
import ssl
import sys
import time
from urllib.parse import unquote, urlsplit


class RedisError(Exception):
    """What Redis refuses, in its own words."""


class Redis:
    """The part of RESP 2 that a consumer needs: a command is a list of strings, a reply is a string, a number, a list or None."""

    def __init__(self, url, patience):
        address = urlsplit(url)
        plain = socket.create_connection((address.hostname, address.port or 6379), timeout=patience)
        if address.scheme == "rediss":
            plain = ssl.create_default_context().wrap_socket(plain, server_hostname=address.hostname)
        self.socket, self.lines = plain, plain.makefile("rb")
        if address.password:
            self.call("AUTH", *filter(None, [unquote(address.username or ""), unquote(address.password)]))
        database = address.path.strip("/")
        if database:
            self.call("SELECT", database)

    def call(self, *words):
        parts = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self.answer()

    def answer(self):
        line = self.lines.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"*":
            return [self.answer() for _ in range(size)]
        text = self.lines.read(size + 2)
        if len(text) < size + 2:
            raise ConnectionError("Redis closed the connection")
        return text[:-2].decode()


class Journal:
    """Stands in for a table of events with a unique id. Not for several processes at once: a database is."""

    def __init__(self, path):
        self.seen = set()
        self.file = open(path, "a+b")
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                break  # cut short by a crash and never acknowledged: it comes again
            self.seen.add(json.loads(line)["event_id"])
            whole += len(line)
        self.file.truncate(whole)

    def write(self, event):
        if event["event_id"] in self.seen:
            return
        self.file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.seen.add(event["event_id"])


class Consumer:
    """One of a group that shares a stream."""

    def __init__(self, redis, stream, group, name, abandoned_ms, journal):
        self.redis, self.stream, self.group, self.name = redis, stream, group, name
        self.abandoned_ms, self.journal = abandoned_ms, journal
        try:
            redis.call("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")
        except RedisError as problem:
            if not str(problem).startswith("BUSYGROUP"):  # another consumer created it before
                raise

    def take_over(self):
        """Handles what others, or this one before a crash, read and did not acknowledge."""
        start = "0-0"
        while True:
            answer = self.redis.call("XAUTOCLAIM", self.stream, self.group, self.name, self.abandoned_ms, start, "COUNT", 100)
            self.handle(answer[1])
            start = answer[0]
            if start == "0-0":
                return

    def read_new(self, wait_ms):
        found = self.redis.call(
            "XREADGROUP", "GROUP", self.group, self.name, "COUNT", 100, "BLOCK", wait_ms, "STREAMS", self.stream, ">")
        for _, entries in found or []:
            self.handle(entries)

    def handle(self, entries):
        for entry in entries:
            if entry is None or entry[1] is None:
                continue  # trimmed from the stream meanwhile
            entry_id, fields = entry
            self.journal.write(dict(zip(fields[::2], fields[1::2])))
            self.redis.call("XACK", self.stream, self.group, entry_id)  # only now


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provider", default="virtualpos")
    parser.add_argument("--group", default="billing")
    parser.add_argument("--name", default="%s-%d" % (socket.gethostname(), os.getpid()))
    parser.add_argument("--journal", required=True, metavar="FILE")
    parser.add_argument("--abandoned", type=float, default=30, metavar="SECONDS", help="unacknowledged for longer is taken over")
    parser.add_argument("--wait", type=float, default=5, metavar="SECONDS", help="how long to wait for new events at a time")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    url = os.environ.get("REMESA_REDIS_URL", "redis://127.0.0.1:6379/0")
    journal = Journal(options.journal)
    while True:
        try:
            redis = Redis(url, patience=options.wait + 10)
            stream = "remesa:{%s}:outcomes" % options.provider
            consumer = Consumer(redis, stream, options.group, options.name, int(options.abandoned * 1000), journal)
            while True:
                consumer.take_over()
                consumer.read_new(int(options.wait * 1000))
        except (OSError, RedisError) as problem:  # away, still loading, or refusing: nothing is lost by waiting
            print("trying again:", problem, file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
