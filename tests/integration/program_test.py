#!/usr/bin/env python3
"""The program as its user meets it: how it starts, what it says when it cannot, how it stops.

    program_test.py PATH_TO_FAIRLEAD
"""
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAM = ""
PATIENCE = 30
PORTS = ["--http-port=0", "--https-port=0", "--healthz-port=0", "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1"]

CLASS = """
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
"""
SERVICE = """
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: %d}]
endpoints: [{addresses: ["127.0.0.1"]}]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %(host)s, namespace: shop}
spec:
  ingressClassName: fairlead
  rules: [{host: %(host)s, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
"""


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE)


class Program:
    """A running Fairlead, its log read line by line."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROGRAM, *PORTS, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        self.log = []
        self.heard = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        ports = self.wait_for(r"listening: http (\d+), https (\d+), admin (\d+)")
        self.http, self.https, self.admin = (int(port) for port in ports.groups())

    def read(self):
        for line in self.process.stderr:
            with self.heard:
                self.log.append(line)
                self.heard.notify_all()

    def wait_for(self, pattern):
        found = lambda: next((match for line in list(self.log) if (match := re.search(pattern, line))), None)
        with self.heard:
            if not self.heard.wait_for(found, PATIENCE):
                raise AssertionError(f"the log never said {pattern}:\n" + "".join(self.log))
            return found()

    def get(self, port, path, host="localhost", connection=None):
        asked = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        asked.request("GET", path, headers={"Host": host})
        answer = asked.getresponse()
        result = answer.status, answer.read().decode()
        if not connection:
            asked.close()
        return result

    def becomes(self, wanted, port, path, host="localhost"):
        """Asks until the status is the wanted one: what is waited for is a swap, of which nobody outside is told."""
        end = time.monotonic() + PATIENCE
        while self.get(port, path, host)[0] != wanted:
            if time.monotonic() > end:
                return False
        return True

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


class Origin(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), OriginHandler)
        self.asked = threading.Event()  # for /slow
        self.go_on = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a proxy that hangs up is what some tests are about


class OriginHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            self.server.asked.set()
            self.server.go_on.wait(PATIENCE)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


class StartTest(unittest.TestCase):
    def refused(self, code, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_help_and_version_go_to_standard_output(self):
        self.assertIn("--manifests", run("--help").stdout)
        self.assertEqual(run("--help").returncode, 0)
        self.assertRegex(run("--version").stdout, r"\d+\.\d+\.\d+")

    def test_a_wrong_flag_is_named_and_ends_with_2(self):
        self.assertIn("--http-prot", self.refused(2, "--http-prot=80"))
        self.assertIn("--workers", self.refused(2, "--workers=many"))

    def test_a_folder_that_does_not_exist_is_named_in_one_line(self):
        text = self.refused(1, *PORTS, "--manifests=/does/not/exist")
        self.assertEqual(len([line for line in text.splitlines() if "/does/not/exist" in line]), 1, text)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as folder:
            port = taken.getsockname()[1]
            self.assertIn(str(port), self.refused(1, *PORTS, f"--http-port={port}", f"--manifests={folder}"))
            self.assertIn(str(port), self.refused(1, *PORTS, f"--healthz-port={port}", f"--manifests={folder}"))

    def test_a_kubeconfig_whose_key_cannot_be_read_names_the_file_and_never_its_content(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config"
            config.write_text("current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
                              "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
                              f"users: [{{name: u, user: {{client-certificate: {folder}/a.crt, client-key: {folder}/a.key}}}}]\n")
            (Path(folder) / "a.crt").write_text("very secret")
            text = self.refused(1, *PORTS, f"--kubeconfig={config}")
            self.assertRegex(text, r"a\.(crt|key)")
            self.assertNotIn("very secret", text)

    def test_without_any_source_it_says_what_to_give(self):
        text = subprocess.run([PROGRAM, *PORTS], capture_output=True, text=True, timeout=PATIENCE, env={}).stderr
        self.assertRegex(text, "--manifests|--kubeconfig|service account|KUBERNETES_SERVICE_HOST")


class LifeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.origin = Origin()
        self.write("class.yaml", CLASS)
        self.write("web.yaml", SERVICE % self.origin.server_address[1])
        self.write("a.yaml", INGRESS % {"host": "a.test"})
        self.program = None

    def tearDown(self):
        if self.program:
            self.program.end()
        self.origin.shutdown()
        self.origin.server_close()
        self.folder.cleanup()

    def write(self, name, text):
        (Path(self.folder.name) / name).write_text(text)

    def start(self, *arguments):
        self.program = Program(f"--manifests={self.folder.name}", *arguments)
        self.program.wait_for("generation 1 is served")
        self.assertTrue(self.program.becomes(200, self.program.admin, "/readyz"))
        return self.program

    def test_a_saved_manifest_is_served_and_an_open_connection_lives_on(self):
        program = self.start()
        kept = http.client.HTTPConnection("127.0.0.1", program.http, timeout=PATIENCE)
        self.assertEqual(program.get(0, "/", "a.test", kept), (200, "hello"))
        sock = kept.sock
        self.assertEqual(program.get(program.http, "/", "b.test")[0], 404)
        self.write("b.yaml", INGRESS % {"host": "b.test"})
        self.assertTrue(program.becomes(200, program.http, "/", "b.test"))
        self.assertEqual(program.get(0, "/", "a.test", kept), (200, "hello"))
        self.assertIs(kept.sock, sock)
        kept.close()

    def test_workers_go_before_all_other_threads(self):
        pid = self.start("--workers=2").process.pid
        nice = []
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                nice.append(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        first = 3 if "TSAN_OPTIONS" in os.environ else 2  # ThreadSanitizer has a thread of its own
        self.assertEqual(nice.count(ours), first if ours < 19 else len(nice))
        self.assertEqual(set(nice), {ours, min(ours + 10, 19)})

    def test_sigterm_finishes_what_is_under_way_and_ends_with_0(self):
        program = self.start()
        answers = []
        slow = threading.Thread(target=lambda: answers.append(program.get(program.http, "/slow", "a.test")))
        slow.start()
        self.assertTrue(self.origin.asked.wait(PATIENCE))
        program.process.send_signal(signal.SIGTERM)
        while True:  # until nobody listens any more
            try:
                socket.create_connection(("127.0.0.1", program.http), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                break
        self.assertIsNone(program.process.poll())
        self.origin.go_on.set()
        slow.join()
        self.assertEqual(answers, [(200, "hello")])
        self.assertEqual(program.process.wait(PATIENCE), 0)

    def test_after_sigterm_it_serves_on_for_the_grace_period_but_is_not_ready(self):
        program = self.start("--shutdown-grace-period=1h")
        program.process.send_signal(signal.SIGTERM)
        self.assertTrue(program.becomes(503, program.admin, "/readyz"))
        self.assertEqual(program.get(program.http, "/", "a.test"), (200, "hello"))

    def test_the_drain_timeout_ends_what_does_not_end(self):
        program = self.start("--drain-timeout=100ms")
        slow = http.client.HTTPConnection("127.0.0.1", program.http, timeout=PATIENCE)
        slow.request("GET", "/slow", headers={"Host": "a.test"})
        self.assertTrue(self.origin.asked.wait(PATIENCE))
        program.process.send_signal(signal.SIGTERM)
        self.assertEqual(program.process.wait(PATIENCE), 0)
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            slow.getresponse()
        self.origin.go_on.set()


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
