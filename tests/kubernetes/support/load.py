"""Clients that never ask twice: each keeps its connection until it is told `Connection: close`."""
import http.client
import ssl
import threading
from dataclasses import dataclass

from .waiting import eventually

MOST_ERRORS = 20  # kept


@dataclass(frozen=True)
class Kind:
    method: str = "GET"
    path: str = "/"
    keep: bool = True  # the connection, for the next request
    tls: bool = False
    pause: float = 0.01  # seconds between two requests


KINDS = (Kind(), Kind(method="POST"), Kind(keep=False), Kind(method="POST", keep=False), Kind(path="/?delay=700ms"),
         Kind(tls=True), Kind(tls=True, keep=False))
SLOW = (Kind(pause=3), Kind(tls=True, pause=3))


class _Client(threading.Thread):
    def __init__(self, load, kind):
        super().__init__(daemon=True)
        self._load, self._kind = load, kind
        self._connection = load.connection(kind.tls)
        self.count = 0

    def run(self):
        while not self._load.stopped.wait(self._kind.pause):
            self.count += 1
            try:
                self._ask()
            except (OSError, http.client.HTTPException) as error:
                self._load.fails(f"request {self.count} of {self._kind}: {error!r}")
                self._connection.close()
        self._connection.close()

    def _ask(self):
        body = b"x" * 1000 if self._kind.method == "POST" else None
        headers = {"Host": self._load.host, **({} if self._kind.keep else {"Connection": "close"})}
        self._connection.request(self._kind.method, self._kind.path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            self._load.fails(f"request {self.count} of {self._kind}: status {answer.status} {text[:100]!r}")


class Load:
    """Use as `with Load(address, port, host) as load:`. `errors` are all answers but 200, and broken connections."""

    def __init__(self, address, http_port, https_port, host, kinds=KINDS, clients=2):
        self._address, self._ports, self.host = address, (http_port, https_port), host
        self.stopped = threading.Event()
        self.errors = []
        self._clients = [_Client(self, kind) for kind in kinds for _ in range(clients)]

    def connection(self, tls):
        if not tls:
            return http.client.HTTPConnection(self._address, self._ports[0], timeout=20)
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(self._address, self._ports[1], timeout=20, context=trust)

    @property
    def count(self):
        return sum(client.count for client in self._clients)

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for client in self._clients:
            client.join()

    def fails(self, what):
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(what)

    def goes_on(self, requests=10):
        """Waits until each client has begun so many more."""
        until = [client.count + requests for client in self._clients]
        eventually(lambda: all(client.count >= one for client, one in zip(self._clients, until)), "every client goes on", 60)
