"""The program under test, as a process, and what it says about itself."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from functools import cache
from pathlib import Path

from .process import Process
from .waiting import eventually

ROOT = Path(__file__).resolve().parents[3]
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # where a pod finds its credentials
LISTENING = re.compile(r"listening: http (\d+), https (\d+), admin (\d+)")


def program():
    named = os.environ.get("FAIRLEAD")
    built = [ROOT / "build" / preset / "fairlead" for preset in ("release", "debug")]
    for file in [Path(named).resolve()] if named else built:
        if file.exists():
            return file
    raise FileNotFoundError("there is no fairlead to test: build it, or name it in FAIRLEAD")


@cache
def takes(flag):
    """Whether the program under test knows this flag, and does something with it: `server-header NAME`, say."""
    told = subprocess.run([program(), "--help"], capture_output=True, text=True, check=True).stdout
    return re.search(rf"^  --{flag}$", told, re.MULTILINE) is not None


class Answer:
    def __init__(self, status, body, headers):
        self.status = status
        self.body = body
        self.headers = headers


class Fairlead:
    def __init__(self, folder, name="fairlead"):
        folder.mkdir(parents=True, exist_ok=True)
        self.process = Process(folder.resolve(), name)
        self.http_port = self.https_port = self.admin_port = None
        self._said_before = 0  # bytes of its log, by those that ran before

    def start(self, *flags, environment=None):
        self._said_before = self.process.log.stat().st_size if self.process.log.exists() else 0
        self.process.start(program(), "--http-port=0", "--https-port=0", "--healthz-port=0", "--workers=1",
                           "--shutdown-grace-period=0s", *flags, environment=environment)
        ports = eventually(self._said_ports, f"{self.process.name} listens").groups()
        self.http_port, self.https_port, self.admin_port = map(int, ports)

    def start_in_cluster(self, control_plane, token, *flags, environment=None):
        """As in a pod: the address in the environment, token and CA in files."""
        SERVICE_ACCOUNT.mkdir(parents=True, exist_ok=True)
        (SERVICE_ACCOUNT / "ca.crt").write_bytes((control_plane.folder / "ca.crt").read_bytes())
        (SERVICE_ACCOUNT / "token").write_text(token)
        self.start(*flags, environment={"KUBERNETES_SERVICE_HOST": "127.0.0.1",
                                        "KUBERNETES_SERVICE_PORT": str(control_plane.port("api")), **(environment or {})})

    def _said_ports(self):
        if not self.process.runs():
            raise AssertionError("fairlead ended by itself:\n" + self.process.last_lines())
        said = self.process.log.read_bytes()[self._said_before:]
        return LISTENING.search(said.decode(errors="replace"))

    def stop(self):
        """SIGTERM; the exit code."""
        return self.process.stop(signal.SIGTERM)

    def said(self, text):
        return text in self.process.log.read_text(errors="replace")

    # Requests to it

    def get(self, host, path="/", seconds=10):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=seconds)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(errors="replace"), answer.headers)
        finally:
            connection.close()

    def certificate_of(self, host):
        """The certificate that a client of this host is shown, in DER."""
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.https_port), timeout=10) as plain:
            with trust.wrap_socket(plain, server_hostname=host) as secured:
                return secured.getpeercert(binary_form=True)

    def answers(self, host, text, path="/", seconds=15.0, pause=0.02):
        """Waits until the host is served with 200 and this text, asking after each pause; the seconds that it took."""
        began = time.monotonic()
        eventually(lambda: self._is(self.get(host, path), 200, text), f"{host}{path} answers with {text}", seconds, pause)
        return time.monotonic() - began

    def answers_status(self, host, status, path="/", seconds=15.0):
        eventually(lambda: self.get(host, path).status == status, f"{host}{path} answers {status}", seconds)

    @staticmethod
    def _is(answer, status, text):
        return answer.status == status and text in answer.body

    # Its admin pages

    def page(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), answer.headers)
        finally:
            connection.close()

    def ready(self):
        return self.page("/readyz").status == 200

    def becomes_ready(self, seconds=15.0):
        eventually(self.ready, "fairlead is ready", seconds)

    def problems(self):
        return json.loads(self.page("/problems").body)["problems"]

    def problem_with(self, text):
        return any(text in json.dumps(problem) for problem in self.problems())

    def snapshot(self):
        return json.loads(self.page("/snapshot").body)

    def metric(self, series):
        """The value of a series, written as on the page; None when it is not there."""
        found = re.search(r"^" + re.escape(series) + r" (\S+)$", self.page("/metrics").body, re.MULTILINE)
        return float(found.group(1)) if found else None

    def contact_age(self, resource="ingresses"):
        return self.metric(f'fairlead_api_last_contact_age_seconds{{resource="{resource}"}}')

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024
