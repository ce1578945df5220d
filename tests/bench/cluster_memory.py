#!/usr/bin/env python3
"""How much memory and time a cluster of many objects costs: N Ingresses, each with a Service and an EndpointSlice of its own.

    tests/bench/cluster_memory.py [--objects N] [--streaming] [--program FILE] [--most MIB] [--command WORD…]

An API server that only pretends gives the objects as kubectl and the controllers leave them behind (managed fields, status,
labels), in pages or, with --streaming, as initial events of watches. Prints resident memory before and after, and the peak.
With --most it fails when more MiB than that are resident. --command runs the program under another one, such as heaptrack.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import servers

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1000000"
NAMESPACES = 200
PUBLISHED = "192.0.2.10"
MOST_SECONDS = 300


def metadata(number, name, manager, fields, **more):
    managed = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
               "fieldsType": "FieldsV1", "fieldsV1": {f"f:{field}": {"f:value": {}, ".": {}} for field in fields}}
    return {"name": name, "namespace": f"team-{number % NAMESPACES}", "uid": f"8f0b0d5e-0000-4000-8000-{number:012d}",
            "resourceVersion": str(1000 + number), "generation": 3, "creationTimestamp": f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
            "labels": {"app.kubernetes.io/name": f"web-{number}", "app.kubernetes.io/managed-by": "Helm", "team": "shop"},
            "managedFields": [managed, managed], **more}


def ingress(number):
    name = f"web-{number}"
    fields = ["spec", "rules", "ingressClassName", "annotations", "labels", "tls", "status"]
    backend = lambda: {"service": {"name": name, "port": {"number": 80}}}
    made = {"metadata": metadata(number, name, "helm", fields),
            "spec": {"ingressClassName": "fairlead", "rules": [{"host": f"web-{number}.apps.example.com", "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": backend()},
                {"path": "/api", "pathType": "Prefix", "backend": backend()}]}}]},
            "status": {"loadBalancer": {"ingress": [{"ip": PUBLISHED}]}}}
    made["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(made["spec"]),
        "meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": f"team-{number % NAMESPACES}",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m"}
    return made


def service(number):
    name = f"web-{number}"
    address = f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}"
    return {"metadata": metadata(number, name, "helm", ["spec", "ports", "selector", "type", "sessionAffinity"]),
            "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"],
                     "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
                     "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
                     "selector": {"app.kubernetes.io/name": name}}, "status": {"loadBalancer": {}}}


def endpoint_slice(number):
    name = f"web-{number}"
    made = metadata(number, f"{name}-x7k2p", "kube-controller-manager", ["endpoints", "ports", "addressType", "labels"],
                    generateName=f"{name}-", ownerReferences=[{"apiVersion": "v1", "kind": "Service", "name": name, "controller": True,
                                                              "uid": f"8f0b0d5e-0000-4000-8000-{number:012d}"}])
    made["labels"].update({"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"})
    endpoint = lambda pod: {"addresses": [f"10.244.{number // 256 % 256}.{number % 256}" if pod else f"10.245.{number // 256 % 256}.{number % 256}"],
                            "conditions": {"ready": True, "serving": True, "terminating": False}, "nodeName": f"node-{pod}", "zone": "zone-a",
                            "targetRef": {"kind": "Pod", "name": f"{name}-{pod}", "namespace": f"team-{number % NAMESPACES}",
                                          "uid": f"8f0b0d5e-0000-4000-8000-{number:012d}"}}
    return {"metadata": made, "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [endpoint(0), endpoint(1)]}


def ingress_class(_):
    return {"metadata": {"name": "fairlead", "resourceVersion": "1", "uid": "c"}, "spec": {"controller": "fairlead.dev/ingress-controller"}}


MAKERS = {"ingresses": ingress, "services": service, "endpointslices": endpoint_slice, "ingressclasses": ingress_class}


class Pretender(BaseHTTPRequestHandler):
    """List, watch, and a Lease that is always ours."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        plural = parts.path.rsplit("/", 1)[1]
        if plural not in MAKERS:
            return self.whole(404, {"kind": "Status", "code": 404, "message": "not here"})
        count = 1 if plural == "ingressclasses" else self.server.objects
        if query.get("watch"):
            return self.watch(plural, count, query)
        return self.whole(200, self.page(plural, count, query))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body.setdefault("metadata", {})["resourceVersion"] = "1"
        self.server.writes += 1
        self.whole(200, body)

    do_PUT = do_PATCH = do_POST

    def page(self, plural, count, query):
        first = int(query.get("continue", "0"))
        end = min(count, first + int(query.get("limit", count)))
        more = {"continue": str(end), "remainingItemCount": count - end} if end < count else {}
        return {"kind": "List", "metadata": {"resourceVersion": VERSION, **more}, "items": [MAKERS[plural](i) for i in range(first, end)]}

    def watch(self, plural, count, query):
        if query.get("sendInitialEvents") and not self.server.streaming:
            return self.whole(422, {"kind": "Status", "code": 422, "message": "sendInitialEvents is forbidden for watch"})
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if query.get("sendInitialEvents"):
            for number in range(count):
                self.event("ADDED", MAKERS[plural](number))
            self.event("BOOKMARK", {"metadata": {"resourceVersion": VERSION, "annotations": {"k8s.io/initial-events-end": "true"}}})
        self.server.ended.wait()
        self.close_connection = True

    def event(self, kind, one):
        line = json.dumps({"type": kind, "object": one}).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def whole(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, objects, streaming):
        super().__init__(("127.0.0.1", 0), Pretender)
        self.objects = objects
        self.streaming = streaming
        self.writes = 0
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def handle_error(self, *_):
        pass


class Program:
    def __init__(self, command, log):
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "POD_NAMESPACE": "fairlead", "POD_NAME": "fairlead-0"})
        self.log = Path(log.name)

    @cache
    def admin(self):
        return "http://127.0.0.1:" + self.eventually(lambda: re.search(r"admin (\d+)", self.log.read_text())).group(1)

    def ready(self):
        try:
            return urllib.request.urlopen(self.admin() + "/readyz", timeout=30).status == 200
        except OSError:
            return False

    def eventually(self, condition):
        end = time.monotonic() + MOST_SECONDS
        while not (value := condition()):
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit("cluster_memory: the program ended or is not ready:\n" + self.log.read_text()[-2000:])
            time.sleep(0.05)
        return value

    def pid(self):
        """Of the program itself, also when another one runs it."""
        pid = self.process.pid
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        return pid

    def mib(self, field):
        status = Path(f"/proc/{self.pid()}/status").read_text()
        return int(re.search(field + r":\s+(\d+)", status).group(1)) / 1024


def measure(arguments, log):
    server = Server(arguments.objects, arguments.streaming)
    program = Program([*arguments.command, arguments.program, f"--apiserver-host=http://127.0.0.1:{server.server_port}", "--http-port=0",
                       "--https-port=0", "--healthz-port=0", "--workers=2", f"--publish-status-address={PUBLISHED}",
                       "--shutdown-grace-period=0s"], log)
    began = time.monotonic()
    program.eventually(program.ready)
    seconds = time.monotonic() - began
    servers.settled_memory_bytes(program.pid())  # what is given back after the start is not counted
    resident, peak = program.mib("VmRSS"), program.mib("VmHWM")
    way = "streamed" if arguments.streaming else "in pages"
    print(f"{arguments.objects} Ingresses, Services and EndpointSlices, {way}: ready in {seconds:.1f} s, {resident:.0f} MiB resident, "
          f"{peak:.0f} MiB at the peak")
    program.process.send_signal(signal.SIGTERM)
    server.ended.set()
    program.process.wait(60)
    return resident


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=40_000)
    parser.add_argument("--streaming", action="store_true")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "fairlead", type=Path)
    parser.add_argument("--most", type=float)
    parser.add_argument("--command", nargs=argparse.REMAINDER, default=[])
    arguments = parser.parse_args()
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
        resident = measure(arguments, log)
    if arguments.most and resident > arguments.most:
        sys.exit(f"more than {arguments.most:.0f} MiB are resident")


if __name__ == "__main__":
    main()
