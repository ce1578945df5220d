#!/usr/bin/env python3
"""HTTP/2 towards services, as other programs judge it: h2specd, the twin of h2spec for clients, in clear text and over TLS.

    http2_upstream_program_test.py PATH_TO_FAIRLEAD

Each of its cases is a server of its own, on a port of its own, that answers one request and looks at what comes of it. What is not
installed is skipped, with a word about it.
"""
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import program_test
from program_test import CLASS, Program

ROOT = Path(__file__).resolve().parents[2]
CASES = 57
SERVICE = """
---
apiVersion: v1
kind: Service
metadata: {name: case-%(port)d, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: case-%(port)d-1, namespace: shop, labels: {kubernetes.io/service-name: case-%(port)d}}
addressType: IPv4
ports: [{port: %(port)d}]
endpoints: [{addresses: ["127.0.0.1"]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: case-%(port)d
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/backend-protocol: %(protocol)s
    nginx.ingress.kubernetes.io/proxy-next-upstream-tries: "1"
spec:
  ingressClassName: fairlead
  rules: [{host: case-%(port)d.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: case-%(port)d, port: {number: 80}}}}]}}]
"""
# What h2specd runs for each case, with the case's own address: asks for the same through the proxy.
ASK = """#!/bin/sh
port=${1##*:}
exec curl -s -o /dev/null -m 2 -H "Host: case-${port%%/}.test" http://127.0.0.1:%d/
"""


def free_ports(count):
    """The first of so many ports in a row that nobody uses."""
    for _ in range(100):
        first = random.randrange(20000, 32000 - count)
        held = []
        try:
            for port in range(first, first + count):
                held.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            pass
        finally:
            for server in held:
                server.close()
    raise AssertionError("no ports are free")


class H2specd(unittest.TestCase):
    def setUp(self):
        if not shutil.which("curl") or not shutil.which("openssl"):
            self.skipTest("curl or openssl is not installed")
        build = subprocess.run([ROOT / "tests/tools/build", "h2specd"], capture_output=True, text=True)
        if build.returncode == 3:
            self.skipTest(build.stderr.strip())
        self.assertEqual(build.returncode, 0, build.stderr)
        self.h2specd = build.stdout.strip()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def judge(self, protocol, *arguments):
        first = free_ports(CASES)
        manifests = self.folder / "manifests"
        manifests.mkdir()
        cases = (SERVICE % {"port": port, "protocol": protocol} for port in range(first, first + CASES))
        (manifests / "all.yaml").write_text(CLASS + "".join(cases))
        program = Program("--manifests", str(manifests), "--access-log=off")
        self.addCleanup(program.end)
        program.wait_for("generation 1 is served")
        ask = self.folder / "ask"
        ask.write_text(ASK % program.http)
        ask.chmod(0o755)
        text = subprocess.run([self.h2specd, "-f", str(first), "-e", str(ask), *arguments], capture_output=True, text=True, timeout=400,
                              stdin=subprocess.DEVNULL).stdout
        counts = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", text)
        self.assertIsNotNone(counts, text)
        self.assertEqual((int(counts.group(1)), int(counts.group(2))), (CASES, CASES), text)

    def test_in_clear_text(self):
        self.judge("GRPC")

    def test_over_tls(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out",
                        certificate], check=True, capture_output=True)
        self.judge("GRPCS", "-t", "-c", str(certificate), "-k", str(key))


if __name__ == "__main__":
    program_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
