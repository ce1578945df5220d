#!/usr/bin/env python3
"""gRPC as its own peers speak it: the client and the server of gRPC's interoperability tests, with the program between them.

    grpc_program_test.py PATH_TO_FAIRLEAD

What cannot be built here is skipped, with a word about it.
"""
import collections
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from functools import cache
from pathlib import Path

import program_test
from program_test import CLASS, PATIENCE, Program

ROOT = Path(__file__).resolve().parents[2]
CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
         "timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response", "status_code_and_message",
         "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service"]
METRICS_OF_BACKENDS = ["orca_per_rpc", "orca_oob"]  # need a balancer of the client's that looks at them
BALANCER = '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'

MANIFEST = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: calls, namespace: shop, annotations: {%(annotations)s}}
spec:
  ingressClassName: fairlead
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: calls, port: {number: 80}}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {name: calls, namespace: shop}
spec: {ports: [{port: 80, appProtocol: "%(app_protocol)s"}]}
"""
SLICE = """
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: calls-%(port)d, namespace: shop, labels: {kubernetes.io/service-name: calls}}
addressType: IPv4
ports: [{port: %(port)d}]
endpoints: [{addresses: ["127.0.0.1"]}]
"""
SECRET = """
---
apiVersion: v1
kind: Secret
metadata: {name: certificate, namespace: shop}
type: kubernetes.io/tls
stringData: {tls.crt: %(crt)s, tls.key: %(key)s}
"""
ANNOTATION = "nginx.ingress.kubernetes.io/backend-protocol: %s"
UPSTREAMS = {"GRPC": {"annotations": ANNOTATION % "GRPC", "app_protocol": ""},
             "GRPCS": {"annotations": ANNOTATION % "GRPCS", "app_protocol": ""},
             "appProtocol": {"annotations": "", "app_protocol": "kubernetes.io/h2c"}}


@cache
def tool(name):
    build = subprocess.run([ROOT / "tests/tools/build", name], capture_output=True, text=True)
    if build.returncode == 3:
        raise unittest.SkipTest(build.stderr.strip().splitlines()[-1])
    if build.returncode != 0:
        raise RuntimeError(build.stderr)
    return build.stdout.strip()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server of the interoperability tests; or ours, which says how its streams end."""

    def __init__(self, certificate=None, ours=False):
        self.port = free_port()
        secured = ["-use_tls", f"-tls_cert_file={certificate}.crt", f"-tls_key_file={certificate}.key"] if certificate else []
        command = [tool("grpc-interop-server"), f"-port={self.port}", *secured]
        if ours:
            command = [tool("grpc-calls"), f"-serve=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tool("grpc-interop-client"), tool("grpc-interop-server"), tool("grpc-calls")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificate = Path(cls.folder.name, "certificate")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{cls.certificate}.key",
                        "-out", f"{cls.certificate}.crt"], check=True, capture_output=True)

    def serve(self, upstream, servers=1, ours=False, annotations=""):
        """Starts the program before so many servers, all of which end with the test."""
        manifests = tempfile.TemporaryDirectory()
        self.addCleanup(manifests.cleanup)
        self.servers = [Server(self.certificate if upstream == "GRPCS" else None, ours) for _ in range(servers)]
        for server in self.servers:
            self.addCleanup(server.end)
        upstream = dict(UPSTREAMS[upstream])
        upstream["annotations"] += annotations
        text = CLASS + MANIFEST % upstream + "".join(SLICE % {"port": server.port} for server in self.servers)
        keys = {kind: json.dumps(Path(f"{self.certificate}.{kind}").read_text()) for kind in ("crt", "key")}
        Path(manifests.name, "all.yaml").write_text(text + SECRET % keys)
        self.log = Path(self.folder.name, f"{self.id()}.log")
        self.program = Program(f"--manifests={manifests.name}", "--default-ssl-certificate=shop/certificate",
                               f"--access-log={self.log}", "--log-format=json")
        self.addCleanup(self.program.end)
        self.program.wait_for("generation 1 is served")

    def client(self, case, *arguments, tls=False):
        where = ["-use_tls", "-use_test_ca", f"-ca_file={self.certificate}.crt", "-server_host_override=localhost",
                 f"-server_port={self.program.https}"] if tls else [f"-server_port={self.program.http}"]
        return [tool("grpc-interop-client"), "-server_host=127.0.0.1", f"-test_case={case}", *where, *arguments]

    def call(self, case, *arguments, tls=False):
        done = subprocess.run(self.client(case, *arguments, tls=tls), capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, f"{case}, tls {tls}: {done.stderr}")
        return done.stderr

    def our_client(self, case):
        return subprocess.Popen([tool("grpc-calls"), f"-target=127.0.0.1:{self.program.http}", case], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def our_call(self, case):
        client = self.our_client(case)
        _, said = client.communicate(timeout=PATIENCE)
        self.assertEqual(client.returncode, 0, f"{case}: {said}")

    def lines(self, count):
        """The access log, once it has so many lines."""
        end = time.monotonic() + PATIENCE
        while True:
            lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]
            if len(lines) >= count or time.monotonic() > end:
                self.assertGreaterEqual(len(lines), count, "the access log is short")
                return lines
            time.sleep(0.05)

    def every_case(self, upstream):
        self.serve(upstream)
        for tls in False, True:
            for case in CASES:  # a handshake that fails looks like a time-out: large_unary, which comes before, does not
                self.call(case, tls=tls)
            for case in METRICS_OF_BACKENDS:
                self.call(case, f"-service_config_json={BALANCER}", tls=tls)
        self.assertEqual({line["protocol"] for line in self.lines(2 * len(CASES))}, {"HTTP/2.0"})

    def test_every_case_over_http2_in_clear_text(self):
        self.every_case("GRPC")

    def test_every_case_over_http2_and_tls(self):
        self.every_case("GRPCS")

    def test_every_case_by_app_protocol(self):
        self.every_case("appProtocol")

    def test_the_log_has_the_status_of_each_call(self):
        self.serve("GRPC")
        self.call("unimplemented_method")
        self.call("empty_unary")
        self.call("status_code_and_message")  # a unary call and a stream
        statuses = sorted(line.get("grpc_status") for line in self.lines(4))  # each worker writes its own
        self.assertEqual(statuses, [0, 2, 2, 12])

    def test_calls_of_one_connection_are_spread_over_the_servers(self):
        self.serve("GRPC", 2)
        self.call("rpc_soak", "-soak_iterations=20", "-soak_overall_timeout_seconds=30")
        lines = self.lines(20)
        self.assertEqual(len({line["remote_port"] for line in lines}), 1, "one connection of the client")
        shares = collections.Counter(line["upstreams"][0]["addr"] for line in lines)
        self.assertEqual(sorted(shares.values()), [10, 10])

    def test_a_server_that_is_killed_costs_the_calls_it_had_and_no_more(self):
        self.serve("GRPC", 2)
        # One call at a time: at most one is under way at the server that dies.
        calls = subprocess.Popen(self.client("rpc_soak", "-soak_iterations=300", "-soak_max_failures=1",
                                             "-soak_overall_timeout_seconds=25", "-soak_min_time_ms_between_rpcs=5"),
                                 stderr=subprocess.PIPE, text=True)
        self.lines(20)
        self.servers[0].end()
        _, said = calls.communicate(timeout=PATIENCE)
        self.assertEqual(calls.returncode, 0, said)
        statuses = collections.Counter(line.get("grpc_status") for line in self.lines(300))
        self.assertLessEqual(set(statuses), {0, 14})
        self.assertLessEqual(statuses[14], 1)

    def test_nobody_who_serves_is_unavailable(self):
        self.serve("GRPC")
        self.servers[0].end()
        done = subprocess.run(self.client("empty_unary"), capture_output=True, text=True, timeout=PATIENCE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("code = Unavailable desc = 502 Bad Gateway", done.stderr)

    def test_compressed_messages_pass_as_they_are(self):
        self.serve("GRPC", ours=True)
        self.our_call("compressed")
        line = self.lines(1)[0]
        self.assertEqual(line["grpc_status"], 0)
        self.assertLess(line["request_length"], 2000, "of 100,000 bytes, all alike")
        self.assertLess(line["body_bytes_sent"], 2000)

    def test_large_messages_pass_where_bodies_may_be_large(self):
        self.serve("GRPC", ours=True, annotations=", nginx.ingress.kubernetes.io/proxy-body-size: '0'")
        self.our_call("large")
        self.assertGreater(self.lines(1)[0]["body_bytes_sent"], 20 << 20)

    def test_many_streams_share_the_connections_that_there_are(self):
        self.serve("GRPC", 2, ours=True)
        self.our_call("many")
        lines = self.lines(200)
        self.assertEqual({line["grpc_status"] for line in lines}, {0})
        self.assertEqual(sorted(collections.Counter(line["upstreams"][0]["addr"] for line in lines).values()), [100, 100])
        connects = re.search(r"^fairlead_upstream_connects_total (\d+)", self.program.get(self.program.admin, "/metrics")[1], re.M)
        self.assertLessEqual(int(connects.group(1)), 2 * 4, "few, for 200 streams at once")

    def test_a_stream_whose_server_is_killed_is_unavailable(self):
        self.serve("GRPC", ours=True)
        client = self.our_client("held")
        self.assertEqual(client.stdout.readline(), "streaming\n")
        self.servers[0].end()
        said, _ = client.communicate(timeout=PATIENCE)
        self.assertEqual(said, "ended: Unavailable\n")
        self.assertEqual(self.lines(1)[0]["grpc_status"], 14)

    def test_a_stream_that_the_client_cancels_is_cancelled_at_the_server(self):
        self.serve("GRPC", ours=True)
        self.our_call("cancelled")
        self.assertEqual(self.servers[0].process.stdout.readline(), "stream ended: Canceled\n")

    def test_large_messages_need_a_larger_body_size(self):
        self.serve("GRPC")
        done = subprocess.run(self.client("rpc_soak", "-soak_iterations=1", "-soak_request_size=2000000"), capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual((self.lines(1)[0]["grpc_status"], self.lines(1)[0]["limit"]), (8, "proxy_body_size"))


if __name__ == "__main__":
    program_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
