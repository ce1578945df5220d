"""A network between one client and the API server, that can be cut without a word and answer in the server's place."""
import socket
import subprocess
import threading

from .pods import NETWORK

_ADDRESS = f"{NETWORK}.59"  # the last of those that tests/kubernetes/run gives the bridge
_BUFFER = 64 * 1024


class Link:
    """Listens on an address of its own and passes bytes on to the API server, as they are."""

    def __init__(self, port):
        self._port = port
        self._sockets = []
        self._flow = threading.Event()
        self._flow.set()
        self._listener = socket.create_server((_ADDRESS, 0), backlog=64)
        self.address = f"https://{_ADDRESS}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """No packet comes through any more, in either direction, and nobody is told: there is no FIN and no RST."""
        subprocess.run(["ip", "address", "del", f"{_ADDRESS}/24", "dev", "pods"], check=True)

    def mend(self):
        subprocess.run(["ip", "address", "replace", f"{_ADDRESS}/24", "dev", "pods"], check=True)

    def hold(self):
        """Nothing is passed on any more; connections stay, and new ones are taken."""
        self._flow.clear()

    def drop(self):
        """All connections end, without what was held in them; new ones work again."""
        for one in self._sockets:
            self._end(one)
        self._flow.set()

    def stop(self):
        self.mend()
        self._flow.set()
        for one in [self._listener, *self._sockets]:
            self._end(one)
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            except OSError:
                if self._listener.fileno() < 0:
                    return
                client.close()  # the server is away: so is this connection
                continue
            server.settimeout(None)
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        try:
            while data := source.recv(_BUFFER):
                self._flow.wait()
                sink.sendall(data)
        except OSError:
            pass
        Link._end(source)
        Link._end(sink)

    @staticmethod
    def _end(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
