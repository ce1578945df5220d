"""Requests at a steady, small pace while a test does something to the control plane."""
import http.client
import threading
import time

from .waiting import eventually

PACE = 0.005  # seconds between two requests
MOST_SECONDS = 180  # it ends by itself then


class Traffic:
    """Asks one host over a connection that is kept, and over a new one every tenth time. Use as `with Traffic(…) as traffic:`.

    errors lists everything that was not a 200, a closed connection included; count says how many requests were made.
    """

    def __init__(self, fairlead, host, path="/"):
        self._fairlead = fairlead
        self._host = host
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.errors = []
        self.count = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def goes_on(self, requests=50):
        """Waits for so many more of them."""
        until = self.count + requests
        eventually(lambda: self.count >= until, f"{requests} more requests are answered", seconds=60)

    def _run(self):
        kept = self._connection()
        end = time.monotonic() + MOST_SECONDS
        while not self._stop.wait(PACE) and time.monotonic() < end:
            fresh = self.count % 10 == 9
            connection = self._connection() if fresh else kept
            self.count += 1
            problem = self._ask(connection)
            if problem:
                self.errors.append(problem)
                kept.close()  # the next request opens it again
            if fresh:
                connection.close()
        kept.close()

    def _connection(self):
        return http.client.HTTPConnection("127.0.0.1", self._fairlead.http_port, timeout=10)

    def _ask(self, connection):
        try:
            connection.request("GET", self._path, headers={"Host": self._host})
            answer = connection.getresponse()
            answer.read()
            return None if answer.status == 200 else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
