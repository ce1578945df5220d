#!/usr/bin/env python3
"""Services of type ExternalName from DNS to the client: the program, a real DNS server (dnsmasq), services that listen on
addresses which are not loopback ones, in a network namespace of its own.

    external_name_test.py PATH_TO_FAIRLEAD      exit 77: skipped, no namespaces or no dnsmasq here
"""
import os
import shutil
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

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program_test
from program_test import CLASS, Program

PATIENCE = 30
PORT = 8080
DNS_PORT = 5353
ADDRESSES = ["192.0.2.10", "192.0.2.11", "2001:db8::10"]
SKIPPED = 77

INGRESS = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %(name)s, namespace: shop}
spec:
  ingressClassName: fairlead
  rules: [{host: %(name)s.test, http: {paths: [{path: /, pathType: Prefix,
    backend: {service: {name: %(name)s, port: {number: 80}}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {name: %(name)s, namespace: shop}
spec: {type: ExternalName, externalName: "%(to)s", ports: [{port: 80, targetPort: %(port)d}]}
"""


def enter_namespace():
    """Runs this program again as the root of a network that has nothing but the loopback device."""
    if os.environ.get("FAIRLEAD_TEST_NETWORK") == "own":
        return
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [tool for tool in ("unshare", "ip", "dnsmasq") if not shutil.which(tool)]
    way = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if missing or subprocess.run([*way, "true"], capture_output=True).returncode != 0:
        print("skipped: " + (f"no {missing[0]} here" if missing else "no network namespace can be made here"))
        sys.exit(SKIPPED)
    os.execvpe(way[0], [*way, sys.executable, *sys.argv], {**os.environ, "FAIRLEAD_TEST_NETWORK": "own"})


def set_up_network():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ADDRESSES:
        extra = ["nodad"] if ":" in address else []
        subprocess.run(["ip", "address", "add", address, "dev", "lo", *extra], check=True)


class Service(BaseHTTPRequestHandler):
    """Says on which address it was reached, and for which host."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"{self.server.server_address[0]} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class NameServer:
    """dnsmasq, with records that can be changed while it runs."""

    def __init__(self, folder):
        self.hosts = Path(folder) / "hosts"
        self.process = None

    def start(self, **records):
        self.write(**records)
        self.process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
             "--pid-file=", f"--port={DNS_PORT}", "--listen-address=127.0.0.1", "--bind-interfaces", "--local-ttl=1",
             f"--addn-hosts={self.hosts}", "--cname=www.example.org,api.example.org", "--local=/org/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def write(self, **records):
        lines = [f"{address} {name}.example.org\n" for name, addresses in records.items() for address in addresses]
        self.hosts.write_text("".join(lines))
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.process = None


class ExternalNames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        set_up_network()
        cls.services = [(Server6 if ":" in address else ThreadingHTTPServer)((address, PORT), Service)
                        for address in ADDRESSES]
        for service in cls.services:
            threading.Thread(target=service.serve_forever, daemon=True).start()

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        manifests = self.folder / "manifests"
        manifests.mkdir()
        (manifests / "class.yaml").write_text(CLASS)
        self.manifests = manifests
        self.dns = NameServer(self.folder)
        self.addCleanup(self.dns.stop)

    def lead(self, name, to, port=PORT):
        (self.manifests / f"{name}.yaml").write_text(INGRESS % {"name": name, "to": to, "port": port})

    def start(self, *arguments):
        self.program = Program(f"--manifests={self.manifests}", f"--dns-servers=127.0.0.1:{DNS_PORT}",
                               "--workers=1", *arguments)
        self.addCleanup(self.program.end)

    def answer(self, host):
        """The address that answered, or the status."""
        status, body = self.program.get(self.program.http, "/", host)
        return body.split(" ")[0] if status == 200 else status

    def eventually(self, expected, host):
        until = time.monotonic() + PATIENCE
        while (got := self.answer(host)) != expected and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(got, expected, "".join(self.program.log))

    def problem(self, text):
        until = time.monotonic() + PATIENCE
        while text not in (problems := self.program.get(self.program.admin, "/problems")[1]) and time.monotonic() < until:
            time.sleep(0.02)
        self.assertIn(text, problems)

    def test_every_address_of_a_name_gets_its_share_and_the_clients_host(self):
        self.dns.start(api=ADDRESSES[:2])
        self.lead("api", "api.example.org")
        self.start()
        self.assertTrue(self.program.becomes(200, self.program.admin, "/readyz"))
        answers = [self.program.get(self.program.http, "/", "api.test")[1] for _ in range(20)]
        for address in ADDRESSES[:2]:
            self.assertEqual(answers.count(f"{address} api.test"), 10, answers)

    def test_the_first_request_finds_its_name_resolved(self):
        self.dns.start(api=[ADDRESSES[0]], six=[ADDRESSES[2]])
        for name in ("api", "six", "www"):
            self.lead(name, f"{name}.example.org")
        self.start()
        self.assertTrue(self.program.becomes(200, self.program.admin, "/readyz"))
        self.assertEqual(self.answer("api.test"), ADDRESSES[0])
        self.assertEqual(self.answer("six.test"), ADDRESSES[2])
        self.assertEqual(self.answer("www.test"), ADDRESSES[0])  # an alias

    def test_another_answer_is_followed_and_a_server_that_is_gone_changes_nothing(self):
        self.dns.start(api=[ADDRESSES[0]])
        self.lead("api", "api.example.org")
        self.start()
        self.eventually(ADDRESSES[0], "api.test")
        self.dns.write(api=[ADDRESSES[1]])
        self.eventually(ADDRESSES[1], "api.test")
        self.dns.stop()
        self.problem("the last addresses known stay in use")
        self.assertEqual(self.answer("api.test"), ADDRESSES[1])
        self.dns.start(api=[ADDRESSES[0]])
        self.eventually(ADDRESSES[0], "api.test")

    def test_a_name_that_comes_into_being_is_served(self):
        self.dns.start()
        self.lead("api", "api.example.org")
        self.start()
        self.problem("api.example.org, which does not exist (NXDOMAIN)")
        self.assertEqual(self.answer("api.test"), 503)
        self.dns.write(api=[ADDRESSES[0]])
        self.eventually(ADDRESSES[0], "api.test")

    def test_nobody_is_led_inside(self):
        with ThreadingHTTPServer(("127.0.0.1", 0), Service) as inside:
            threading.Thread(target=inside.serve_forever, daemon=True).start()
            self.dns.start(api=["127.0.0.1"])
            self.lead("api", "api.example.org", inside.server_address[1])
            self.lead("literal", "127.0.0.1", inside.server_address[1])
            self.start()
            self.problem("127.0.0.1, a loopback address: that is refused")
            self.assertEqual(self.answer("api.test"), 503)
            self.assertEqual(self.answer("literal.test"), 503)
            inside.shutdown()

    def test_an_address_needs_no_dns(self):
        self.lead("four", ADDRESSES[0])
        self.lead("six", ADDRESSES[2])
        self.start()
        self.eventually(ADDRESSES[0], "four.test")
        self.eventually(ADDRESSES[2], "six.test")

    def test_a_silent_server_keeps_nobody_else_waiting(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", DNS_PORT))
            self.lead("four", ADDRESSES[0])
            self.lead("api", "api.example.org")
            self.start()
            self.assertTrue(self.program.becomes(200, self.program.admin, "/readyz"))
            self.assertEqual(self.answer("four.test"), ADDRESSES[0])
            self.assertEqual(self.answer("api.test"), 503)
        self.dns.start(api=[ADDRESSES[1]])
        self.eventually(ADDRESSES[1], "api.test")

    def test_they_can_be_switched_off(self):
        self.lead("four", ADDRESSES[0])
        self.start("--disable-svc-external-name")
        self.problem("--disable-svc-external-name forbids")
        self.assertEqual(self.answer("four.test"), 503)


if __name__ == "__main__":
    enter_namespace()
    program_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
