#!/usr/bin/env python3
"""Enqueues payments as plain asynq tasks, with nothing but Python's standard library: JSON lines come in, each becomes a task.

Prefer HTTP (docs/api.md) where you can: it says at once what is wrong with a payment. A task has no caller; read its outcome from the
stream, where event=rejected says that it became no payment, and why.
"""

import json
import os
import socket
import sys
import time
import uuid
from urllib.parse import unquote, urlsplit

# What asynq's own client does: write the task unless its id is taken, then put it into the queue.
ENQUEUE = """if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'msg', ARGV[1], 'state', 'pending', 'pending_since', ARGV[3])
redis.call('LPUSH', KEYS[2], ARGV[2])
return 1"""


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def message(kind, payload, task_id, queue, retries=25, timeout_s=1800):
    """asynq.TaskMessage in protobuf: texts are the fields 1 to 4, numbers the fields 5 and 8."""
    texts = enumerate([kind.encode(), payload, task_id.encode(), queue.encode()], start=1)
    return (b"".join(bytes([n << 3 | 2]) + varint(len(t)) + t for n, t in texts)
            + bytes([5 << 3]) + varint(retries) + bytes([8 << 3]) + varint(timeout_s))


class Redis:
    """As much of RESP as this needs: replies are a line."""

    def __init__(self, url):
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port or 6379), timeout=30)
        self.lines = self.socket.makefile("rb")
        if address.password:
            self.call("AUTH", *filter(None, [unquote(address.username or ""), unquote(address.password)]))
        if address.path.strip("/"):
            self.call("SELECT", address.path.strip("/"))

    def call(self, *words):
        parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        reply = self.lines.readline().decode().rstrip("\r\n")
        if not reply or reply[0] == "-":
            sys.exit("redis: " + (reply or "the connection was closed"))
        return reply


def main():
    redis = Redis(os.environ.get("REMESA_REDIS_URL", "redis://127.0.0.1:6379/0"))
    for line in sys.stdin.buffer:
        task = json.loads(line)
        kind, queue, task_id = task["type"], task["provider"], str(uuid.uuid4())
        redis.call("SADD", "asynq:queues", queue)
        redis.call("EVAL", ENQUEUE, 2, "asynq:{%s}:t:%s" % (queue, task_id), "asynq:{%s}:pending" % queue,
                   message(kind, line.strip(), task_id, queue), task_id, time.time_ns())
        print(task_id)


if __name__ == "__main__":
    main()
