"""Stand-ins for pods: small HTTP servers, each with a pod's address of its own.

An API server takes no loopback address for an endpoint, so they are on a bridge that has no ports; tests/kubernetes/run
makes it in a network namespace of its own.
"""
import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NETWORK = "10.244.0"
PORT = 8080
_numbers = itertools.count(2)


def new_address():
    """One of those that the bridge has."""
    return f"{NETWORK}.{next(_numbers)}"


class _Pod(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"pod {self.server.pod_name} {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Pod:
    """Answers `pod NAME PATH` at ADDRESS:8080 until it is stopped."""

    def __init__(self, name, address=None):
        self.name = name
        self.address = address or new_address()
        self._server = _Server((self.address, PORT), _Pod)
        self._server.pod_name = name
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
