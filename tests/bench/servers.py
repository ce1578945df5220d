"""The origin and the proxies that tests/bench/compare puts side by side, all doing the same work.

Each proxy runs one worker, keeps upstream connections alive, adds the same eight request headers, sends HSTS over TLS and
writes no access log. All ports lie below the ephemeral range.
"""
import base64
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

HOST = "bench.example.com"
ORIGIN_PORT = 9200
SMALL, LARGE = 128, 10 * 1024

# Without these 1 MB bodies cost nginx 2.6 times as much: an unfair win.
NGINX_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_TOP_PAD_": "16777216"}

NGINX_COMMON = """
daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid {folder}/{name}.pid; error_log {folder}/{name}.log warn;
events {{ worker_connections 16000; multi_accept on; }}
"""

ORIGIN = NGINX_COMMON + """
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on; tcp_nodelay on; server_tokens off;
  default_type text/plain; open_file_cache max=10 inactive=1h; open_file_cache_valid 1h;
  server {{
    listen 127.0.0.1:{origin_port} backlog=4096; root {folder}/files;
    location = /small {{ return 200 "{small}"; }}
    location = /headers {{ return 200 "$http_x_request_id|$http_x_real_ip|$http_x_forwarded_for|$http_x_forwarded_host|$http_x_forwarded_port|$http_x_forwarded_proto|$http_x_forwarded_scheme|$http_x_scheme"; }}
    location = /upload {{ return 200 "{small}"; }}
    location = /status {{ stub_status; }}
  }}
}}
"""

NGINX = NGINX_COMMON + """
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on; server_tokens off;
  client_body_buffer_size 64k; proxy_temp_path {folder}/proxy_temp; client_body_temp_path {folder}/body_temp;
  upstream origin {{ server 127.0.0.1:{origin_port}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 1h; }}
  ssl_certificate {folder}/bench.crt; ssl_certificate_key {folder}/bench.key; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_tickets on; ssl_session_cache off;
  server {{
    listen 127.0.0.1:{plain_port} backlog=4096; server_name {host};
    location / {{ include {folder}/nginx-proxy.conf; }}
  }}
  server {{
    listen 127.0.0.1:{tls_port} ssl backlog=4096; server_name {host};
    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
    location / {{ include {folder}/nginx-proxy.conf; }}
  }}
}}
"""

NGINX_PROXY = """
proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
proxy_set_header X-Request-ID $request_id; proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Scheme $scheme; proxy_set_header X-Scheme $scheme;
proxy_buffer_size 16k; proxy_buffers 16 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
"""

HAPROXY = """
global
  nbthread 1
  maxconn 8000
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  http-reuse always
  maxconn 8000
  timeout client 1h
  timeout server 1h
  timeout connect 5s
  timeout http-keep-alive 1h
frontend bench
  bind 127.0.0.1:{plain_port} backlog 4096
  bind 127.0.0.1:{tls_port} backlog 4096 ssl crt {folder}/bench.pem alpn http/1.1
  http-request set-header X-Request-ID %[uuid]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
  http-request set-header X-Forwarded-Proto http unless {{ ssl_fc }}
  http-request set-header X-Forwarded-Scheme https if {{ ssl_fc }}
  http-request set-header X-Forwarded-Scheme http unless {{ ssl_fc }}
  http-request set-header X-Scheme https if {{ ssl_fc }}
  http-request set-header X-Scheme http unless {{ ssl_fc }}
  http-response set-header Strict-Transport-Security "max-age=31536000; includeSubDomains" if {{ ssl_fc }}
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin_port}
"""

MANIFESTS = """
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: fairlead}}
spec: {{controller: fairlead.dev/ingress-controller}}
---
apiVersion: v1
kind: Service
metadata: {{name: origin, namespace: bench}}
spec: {{ports: [{{name: http, port: 80, targetPort: {origin_port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: origin-1, namespace: bench, labels: {{kubernetes.io/service-name: origin}}}}
addressType: IPv4
ports: [{{name: http, port: {origin_port}, protocol: TCP}}]
endpoints: [{{addresses: ["127.0.0.1"], conditions: {{ready: true}}}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: bench-tls, namespace: bench}}
type: kubernetes.io/tls
data: {{tls.crt: {certificate}, tls.key: {key}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: bench
  namespace: bench
  annotations: {{nginx.ingress.kubernetes.io/ssl-redirect: "false"}}
spec:
  ingressClassName: fairlead
  tls: [{{hosts: [{host}], secretName: bench-tls}}]
  rules:
    - host: {host}
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: origin, port: {{number: 80}}}}}}}}]}}
"""


class Peer:
    """One server process (with its children), pinned to the measured core."""

    def __init__(self, name, command, ports, core, folder, environment=None):
        self.name = name
        self.command = ["taskset", "-c", str(core), "chrt", "-b", "0", *command]
        self.ports = ports
        self.plain_port = ports[0]
        self.tls_port = ports[1] if len(ports) > 1 else None
        self.log = folder / f"{name}.out"
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self):
        for port in self.ports:
            if answers(port):
                raise SystemExit(f"compare: port {port} is in use: whatever listens there would share the load")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.environment)
        end = time.monotonic() + 15
        while not all(answers(port) for port in self.ports):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"compare: {self.name} does not answer:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def pids(self):
        """The process and its children (nginx's worker)."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def cpu_seconds(self):
        """Time on a CPU of every thread, by the scheduler's own nanosecond clock."""
        total = 0
        for pid in self.pids():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory_bytes(self):
        """(resident, proportional) bytes."""
        sums = {"Rss:": 0, "Pss:": 0}
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, *rest = line.split()
                if name in sums:
                    sums[name] += int(rest[0]) * 1024
        return sums["Rss:"], sums["Pss:"]


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
          f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", folder / "bench.key", "-out", folder / "bench.crt"],
        check=True, capture_output=True)
    (folder / "bench.pem").write_bytes((folder / "bench.crt").read_bytes() + (folder / "bench.key").read_bytes())


def prepare(folder, core, fairlead):
    """Writes every configuration. Returns the origin and the proxies by name, none of them started."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / "manifests").mkdir(exist_ok=True)
    (folder / "files" / "large").write_text("x" * LARGE)
    (folder / "upload").write_text("u" * LARGE)
    write_certificate(folder)

    def write(file_name, template, **values):
        file = folder / file_name
        file.write_text(template.format(folder=folder, host=HOST, origin_port=ORIGIN_PORT, small="s" * SMALL, **values))
        return file

    def base64_of(name):
        return base64.b64encode((folder / name).read_bytes()).decode()

    origin = Peer("origin", ["nginx", "-c", write("origin.conf", ORIGIN, name="origin")], [ORIGIN_PORT], core, folder)
    write("nginx-proxy.conf", NGINX_PROXY)
    nginx = write("nginx.conf", NGINX, name="nginx", plain_port=9211, tls_port=9212)
    haproxy = write("haproxy.cfg", HAPROXY, plain_port=9221, tls_port=9222)
    write("manifests/bench.yaml", MANIFESTS, certificate=base64_of("bench.crt"), key=base64_of("bench.key"))
    proxies = {
        "nginx": Peer("nginx", ["nginx", "-c", nginx], [9211, 9212], core, folder, NGINX_ENVIRONMENT),
        "haproxy": Peer("haproxy", ["haproxy", "-db", "-f", haproxy], [9221, 9222], core, folder),
    }
    floor = folder / "floor"
    subprocess.run(["c++", "-O2", Path(__file__).with_name("floor.cpp"), "-o", floor], check=True)
    proxies["floor"] = Peer("floor", [floor, "9241", str(ORIGIN_PORT)], [9241], core, folder)
    if fairlead:
        proxies["fairlead"] = Peer("fairlead", [
            fairlead, "--manifests", folder / "manifests", "--http-port", "9231", "--https-port", "9232", "--healthz-port", "9233",
            "--workers", "1", "--access-log", "off", "--max-keepalive-requests", "1000000000",
            "--max-upstream-requests", "1000000000"], [9231, 9232, 9233], core, folder)
    return origin, proxies
