"""A receiver of events. pip install standardwebhooks; WEBHOOK_SECRET=whsec_… python receiver.py 9000

Put TLS in front of it, or have the operator allow http to its host while you try it.
"""

import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

secret = Webhook(os.environ["WEBHOOK_SECRET"])
inbox = sqlite3.connect(os.environ.get("INBOX", "inbox.db"))
inbox.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, seq INTEGER UNIQUE, body TEXT NOT NULL)")


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds for a caller that says nothing

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > 20_000:
            return self.answer(413)
        body = self.rfile.read(length)
        try:
            secret.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            return self.answer(401)
        event = json.loads(body)
        if event["type"] == "endpoint.challenge":
            return self.answer(200, json.dumps({"challenge": event["data"]["challenge"]}))
        # The primary key is what makes a second delivery harmless; the commit comes before the answer.
        with inbox:
            inbox.execute(
                "INSERT INTO event VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (self.headers["webhook-id"], event["seq"], body.decode()),
            )
        self.answer(204)
        missing = gap()
        if missing is not None:
            self.log_message("events after %d are missing: GET /v1/events?after_seq=%d", missing, missing)

    def answer(self, status, text=""):
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def gap():
    """The number after which the first event is missing, or None. Another worker reads the table and does the work."""
    row = inbox.execute(
        "SELECT seq FROM (SELECT 0 AS seq UNION ALL SELECT seq FROM event) AS have"
        " WHERE seq < (SELECT max(seq) FROM event)"
        " AND NOT EXISTS (SELECT 1 FROM event AS next WHERE next.seq = have.seq + 1) ORDER BY seq LIMIT 1"
    ).fetchone()
    return row and row[0]


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
