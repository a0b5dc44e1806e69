"""Prints each alert that Alertmanager sends, one line each: the example receiver of deploy/compose.yaml.

    python3 receiver.py [PORT]

A real receiver would wake somebody. It takes POST requests in the form of Alertmanager's webhook_configs (version 4).
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST = 1 << 20


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 < length <= LONGEST:
            self.send_error(413)
            return
        try:
            alerts = json.loads(self.rfile.read(length))["alerts"]
        except (ValueError, KeyError, TypeError):
            self.send_error(400)
            return
        for alert in alerts:
            labels, notes = alert.get("labels", {}), alert.get("annotations", {})
            print(alert.get("status"), labels.get("severity"), labels.get("alertname"), labels.get("provider", "-"),
                  notes.get("summary", ""), notes.get("runbook_url", ""), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Keeps requests out of the log: the alerts are what is printed."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9099
    ThreadingHTTPServer(("0.0.0.0", port), Receiver).serve_forever()
