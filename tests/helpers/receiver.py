"""A server that takes messages of a run, and answers as it is told."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """`got` has (path, headers by their names in small letters, body) of each message; `says` the statuses that it answers with, one after the other, and then 204."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.says, self.pause = [], [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def messages(self):
        return [json.loads(body) for _, _, body in self.got]

    @property
    def events(self):
        return [message["event"] for message in self.messages]


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.path, headers, body))
        status = self.server.says.pop(0) if self.server.says else 204
        if status == "never":
            self.server.pause.wait(20)
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


@contextmanager
def receiving():
    """A receiver that is listening."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.pause.set()
        server.shutdown()
        server.server_close()
