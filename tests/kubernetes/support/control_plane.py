"""etcd and kube-apiserver on loopback: RBAC, bearer tokens, client certificates, an audit log."""
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from . import certificates
from .process import Process
from .session import Session
from .tools import tool
from .waiting import eventually

# Who asked for what, and what was answered: of service accounts only, for the tests of RBAC.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


def free_port(host="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class ControlPlane:
    """All state is in `folder`: another process that names the same folder works on the same control plane."""

    host = "127.0.0.1"  # where the API server listens
    own_flags = ("--endpoint-reconciler-type=none", "--authorization-mode=RBAC",
                 "--disable-admission-plugins=ServiceAccount")  # it would wait for a controller that is not here

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.etcd = Process(self.folder, "etcd")
        self.api_server = Process(self.folder, "kube-apiserver")
        self.audit_log = self.folder / "audit.log"
        self._ports = self.folder / "ports.json"

    # Its life

    def start(self):
        self.folder.mkdir(parents=True)
        self._ports.write_text(json.dumps({"api": free_port(self.host), "etcd": free_port(), "etcd_peer": free_port()}))
        (self.folder / "audit.json").write_text(json.dumps(AUDIT_POLICY))
        certificates.self_signed(self.folder, "ca", "/CN=test-ca")
        certificates.signed(self.folder, "ca", "api", "/CN=kube-apiserver", "IP:127.0.0.1", "DNS:localhost", f"IP:{self.host}",
                            "IP:10.96.0.1", "DNS:kubernetes.default.svc")
        certificates.signing_pair(self.folder, "service-accounts")
        self._add_token_user("admin", "system:masters")
        self.start_etcd()
        self.start_api_server()

    def stop(self):
        for process in (self.api_server, self.etcd):
            process.send(signal.SIGCONT)
            process.stop()

    def start_etcd(self):
        client, peer = f"http://127.0.0.1:{self.port('etcd')}", f"http://127.0.0.1:{self.port('etcd_peer')}"
        self.etcd.start(
            tool("etcd"), "--name=one", "--data-dir=" + str(self.folder / "etcd"), "--listen-client-urls=" + client,
            "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
            "--initial-cluster=one=" + peer, "--unsafe-no-fsync", "--log-level=warn",
            environment={"GOMAXPROCS": "2"})

    def start_api_server(self, *flags, trusted=True):
        """trusted: its certificate is one that we can ask it by; else it is only waited for until it listens."""
        at = self.folder
        self.api_server.start(
            tool("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self.port('etcd')}", f"--bind-address={self.host}",
            f"--advertise-address={self.host}", f"--secure-port={self.port('api')}",
            f"--cert-dir={at}", f"--tls-cert-file={at}/api.crt", f"--tls-private-key-file={at}/api.key",
            f"--client-ca-file={at}/ca.crt", f"--token-auth-file={at}/tokens.csv", *self.own_flags,
            "--service-cluster-ip-range=10.96.0.0/16", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at}/service-accounts.pub",
            f"--service-account-signing-key-file={at}/service-accounts.key", "--profiling=false",
            "--shutdown-watch-termination-grace-period=2s",  # in order it ends watches, instead of waiting for them
            f"--audit-policy-file={at}/audit.json", f"--audit-log-path={self.audit_log}", *flags,
            environment={"GOMAXPROCS": "2"})
        eventually(self._ready_or_dead if trusted else self._listens, "the API server is ready", seconds=90)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port("api"))) == 0

    def _ready_or_dead(self):
        for process in (self.etcd, self.api_server):
            if not process.runs():
                raise RuntimeError(f"{process.name} ended by itself:\n{process.last_lines()}")
        try:
            return self.get("/readyz") == b"ok"
        except OSError:
            return False

    def restart_api_server(self, *flags, number=signal.SIGKILL):
        """Cuts every watch; afterwards it knows no version older than its start."""
        self.api_server.stop(number)
        self.start_api_server(*flags)

    def restart_etcd(self):
        self.etcd.stop()
        self.start_etcd()
        eventually(self._ready_or_dead, "the API server is ready again", seconds=60)

    def mend(self):
        """Starts what does not run and wakes what hangs."""
        self.api_server.send(signal.SIGCONT)
        if not self.etcd.runs():
            self.start_etcd()
        if not self.api_server.runs():
            self.start_api_server()
        eventually(self._ready_or_dead, "the API server is ready again", seconds=60)

    def compact(self):
        """etcd forgets all versions but the newest: who asks for an older one is told 410."""
        base = f"http://127.0.0.1:{self.port('etcd')}/v3/kv"
        post = lambda path, body: json.load(urllib.request.urlopen(base + path, json.dumps(body).encode(), timeout=10))
        revision = post("/range", {"key": "AA=="})["header"]["revision"]
        post("/compaction", {"revision": revision, "physical": True})

    # Asking it

    def port(self, name):
        return json.loads(self._ports.read_text())[name]

    @property
    def address(self):
        return f"https://{self.host}:{self.port('api')}"

    def get(self, target):
        request = urllib.request.Request(self.address + target, headers={"Authorization": "Bearer " + self.token("admin")})
        trust = ssl.create_default_context(cafile=self.folder / "ca.crt")
        try:
            with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()

    def kubectl(self, *arguments, stdin=None, check=True):
        """Its standard output, as the admin; fails with its standard error."""
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "KUBECONFIG": str(self.kubeconfig("admin"))}
        done = subprocess.run([tool("kubectl"), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              env=environment, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}:\n{done.stderr}")
        return done.stdout

    def apply(self, *objects):
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self.kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def session(self):
        return Session(self.host, self.port("api"), self.folder / "ca.crt", self.token("admin"))

    def audited(self, user):
        """What this user asked for, as dictionaries of the audit log."""
        events = map(json.loads, self.audit_log.read_text().splitlines())
        return [event for event in events if event["user"]["username"] == user]

    # Who may ask

    def token(self, user):
        return (self.folder / f"{user}.token").read_text()

    def _add_token_user(self, user, group):
        token = secrets.token_hex(16)
        (self.folder / f"{user}.token").write_text(token)
        with (self.folder / "tokens.csv").open("a") as users:
            users.write(f'{token},{user},{user},"{group}"\n')
        self._write_kubeconfig(user, {"token": token})

    def certificate_user(self, user, group):
        """The kubeconfig of a user with a client certificate."""
        certificates.signed(self.folder, "ca", user, f"/O={group}/CN={user}")
        return self._write_kubeconfig(user, {"client-certificate": f"{user}.crt", "client-key": f"{user}.key"})

    def token_file_user(self, user, file):
        return self._write_kubeconfig(user, {"tokenFile": str(file)})

    def service_account_token(self, namespace, name, seconds=3600):
        return self.kubectl("create", "token", name, f"--namespace={namespace}", f"--duration={seconds}s").strip()

    def kubeconfig_through(self, address, name):
        """As the admin, at another address than its own."""
        file = self.folder / f"{name}.kubeconfig"
        config = json.loads(self.kubeconfig("admin").read_text())
        config["clusters"][0]["cluster"].update({"server": address, "tls-server-name": "localhost"})
        file.write_text(json.dumps(config))
        return file

    def new_certificate(self, authority="ca"):
        """Another certificate for the API server, of this authority; it is presented from its next start on."""
        certificates.signed(self.folder, authority, "api", "/CN=kube-apiserver", "IP:127.0.0.1", "DNS:localhost", f"IP:{self.host}")

    def kubeconfig(self, user):
        return self.folder / f"{user}.kubeconfig"

    def _write_kubeconfig(self, user, credentials):
        self.kubeconfig(user).write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "clusters": [{"name": "test", "cluster": {"server": self.address, "certificate-authority": "ca.crt"}}],
            "users": [{"name": user, "user": credentials}]}))
        return self.kubeconfig(user)
