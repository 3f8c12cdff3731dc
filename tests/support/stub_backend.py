"""A serving process without a model, ready in a tenth of a second: `GET /version?seconds=S` answers its version after S seconds.

What it does by version: 7 ends at once with a last line in its log, 8 never gets ready, all others serve; `/die` ends it.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

VERSION = os.environ.get("RATCHET_MODEL_VERSION", "")
ENDS, UNREADY = "7", "8"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        seconds = float(parse_qs(target.query).get("seconds", ["0"])[0])
        if target.path == "/die":
            os._exit(1)
        time.sleep(seconds)
        unready = target.path == "/readyz" and VERSION == UNREADY
        content = b"still warming up" if unready else VERSION.encode()
        self.send_response(503 if unready else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int)
    parser.add_argument("--grace")
    arguments = parser.parse_args()
    if VERSION == ENDS:
        sys.exit("the disk is full of eels")
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=arguments.fd)
    server.serve_forever()


if __name__ == "__main__":
    main()
