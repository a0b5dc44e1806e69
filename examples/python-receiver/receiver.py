"""Takes webhooks of remesa and prints each event once, as KEY EVENT STATE.

Needs nothing but Python 3.9:

    WEBHOOK_SECRET_FILE=webhook.secret python3 receiver.py 127.0.0.1:9200
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds
LONGEST = 1 << 20  # bytes


def secret(text):
    """The bytes of a secret, whsec_ and base64."""
    return base64.b64decode(text.strip().removeprefix("whsec_"), validate=True)


def verify(key, headers, body, now):
    """Whether remesa signed this body, lately, with this key."""
    name, at, signatures = headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), headers.get("webhook-signature", "")
    if not name or not at.isdecimal() or abs(now - int(at)) > TOLERANCE:
        return False
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    right = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(right.encode(), given.encode()) for given in signatures.split(" "))


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = b""
    seen = set()  # yours is a table with event_id as its key, written in the transaction that handles the event

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not verify(self.key, self.headers, body, time.time()):
            return self.answer(401)
        event = json.loads(body)
        if event["event_id"] not in self.seen:
            print(event["key"], event["event"], event.get("state", "-"), flush=True)
            self.seen.add(event["event_id"])
        self.answer(204)

    def answer(self, code):
        self.send_response(code)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing: a path may hold a secret."""


if __name__ == "__main__":
    with open(os.environ["WEBHOOK_SECRET_FILE"], encoding="ascii") as file:
        Receiver.key = secret(file.read())
    host, _, port = sys.argv[1].rpartition(":")
    ThreadingHTTPServer((host, int(port)), Receiver).serve_forever()
