"""What every test case on a node begins with: one node for the whole run, with the image of the program under test."""
import atexit
import itertools
import json
import re
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from . import namespaces, objects, workloads
from .case import work_folder
from .fairlead import ROOT, program
from .node import Node
from .node_control_plane import NodeControlPlane
from .waiting import eventually

DEPLOY = ROOT / "deploy"
BALANCER = "10.91.0.1"  # of namespaces.BALANCERS
_numbers = itertools.count(1)


def _make_image(folder):
    archive = folder / "fairlead-image.tar"
    subprocess.run([DEPLOY / "image", "--program", program(), "--output", archive], check=True, stdout=subprocess.DEVNULL)
    return archive


@cache
def shared_node():
    """The control plane and the node; the reason why there is none is what it raises."""
    reason = namespaces.missing()
    if reason:
        raise unittest.SkipTest("no node: " + reason)
    began = time.monotonic()
    folder = work_folder()
    cluster, node = None, None
    with ThreadPoolExecutor(1) as beside:
        image = beside.submit(_make_image, folder)
        namespaces.make_wire()
        cluster = NodeControlPlane(folder / "node-control-plane")
        atexit.register(cluster.stop)
        cluster.start()
        node = Node(folder / "node", cluster)
        atexit.register(node.stop)
        node.start()
        node.import_image(image.result())
    node.becomes_ready()
    print(f"the node is ready after {time.monotonic() - began:.1f} s", file=sys.stderr)
    return cluster, node


def roll_out(cluster, ns, workload, seconds):
    """Waits for it; what the pods say is told when it takes too long."""
    try:
        cluster.kubectl("rollout", "status", workload, "--namespace", ns, f"--timeout={seconds}s")
    except AssertionError as late:
        pods = cluster.kubectl("get", "pods,events", "--namespace", ns, "-o", "wide")
        said = cluster.kubectl("logs", workload, "--namespace", ns, "--all-pods", "--prefix", "--tail=10", check=False)
        raise AssertionError(f"{late}\n{pods}\n{said}") from None


class Installation:
    """Fairlead on the node, from one of our own manifests at a time."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._current, self._flags = None, ()

    def is_from(self, manifest, flags=()):
        """The rendered file, or the overlay, of this name; with these flags more."""
        if (self._current, self._flags) == (manifest, flags):
            return
        if self._current == "host-network" or manifest == "host-network":
            self._cluster.kubectl("delete", "deployment,daemonset,service", "--all", "--namespace=fairlead", "--wait=false")
        file = DEPLOY / f"{manifest}.yaml"
        where = ["-f", file] if file.exists() else ["-k", DEPLOY / "kubernetes" / "overlays" / manifest]
        self._cluster.kubectl("apply", *where)
        if flags:
            patch = [{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": flag} for flag in flags]
            self._cluster.kubectl("patch", "deployment", "fairlead", "--namespace=fairlead", "--type=json", "-p", json.dumps(patch))
        self._current, self._flags = manifest, flags
        self.is_rolled_out()

    def is_rolled_out(self):
        kind = "daemonset" if self._current == "host-network" else "deployment"
        roll_out(self._cluster, "fairlead", f"{kind}/fairlead", seconds=60)


@cache
def installation():
    return Installation(shared_node()[0])


def give_balancer_address(cluster):
    """What a cloud does for a Service of type LoadBalancer."""
    status = {"status": {"loadBalancer": {"ingress": [{"ip": BALANCER}]}}}
    cluster.kubectl("patch", "service", "fairlead", "--namespace=fairlead", "--subresource=status", "--type=merge",
                    "-p", json.dumps(status))


class NodeCase(unittest.TestCase):
    """A namespace a class, and Fairlead from `manifest`."""

    manifest = "nodeport"
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.begin()
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        cls.ns = f"{words}-{next(_numbers)}"
        cls.cluster.apply(objects.namespace(cls.ns))
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "namespace", cls.ns, "--wait=false")

    @classmethod
    def begin(cls):
        """Sets what the tests work on."""
        cls.cluster, cls.node = shared_node()
        installation().is_from(cls.manifest, cls.flags)

    @classmethod
    def get(cls, kind, name, ns=None):
        return json.loads(cls.cluster.kubectl("get", kind, name, "--namespace", ns or cls.ns, "-o", "json"))

    @classmethod
    def addresses(cls, ingress, ns=None):
        """Those in its status."""
        listed = cls.get("ingress", ingress, ns)["status"].get("loadBalancer", {}).get("ingress", [])
        return [one.get("ip") or one.get("hostname") for one in listed]

    @classmethod
    def ready_endpoints(cls, service):
        """How many its slices have."""
        slices = cls.cluster.kubectl("get", "endpointslices", "--namespace", cls.ns, f"--selector=kubernetes.io/service-name={service}",
                                     "-o", "jsonpath={.items[*].endpoints[*].conditions.ready}")
        return slices.split().count("true")

    @classmethod
    def gets_address(cls, ingress, address, ns=None):
        eventually(lambda: cls.addresses(ingress, ns) == [address], f"the status of {ingress} is {address}", seconds=30)

    @classmethod
    def rolled_out(cls, *workloads_of_kind, seconds=60):
        for workload in workloads_of_kind:
            roll_out(cls.cluster, cls.ns, workload, seconds)

    @classmethod
    def serve(cls, name, ingress_options=None, **deployment_options):
        """Deployment, Service and Ingress of this name, for the host NAME.…; returns the host, not yet served."""
        host = cls.host(name)
        ingress = workloads.ingress(cls.ns, name, workloads.rule(host, ("Prefix", "/", workloads.backend(name))),
                                    **(ingress_options or {}))
        cls.cluster.apply(workloads.deployment(cls.ns, name, **deployment_options), workloads.service(cls.ns, name), ingress)
        cls.rolled_out(f"deployment/{name}")
        return host

    @classmethod
    def host(cls, word):
        return f"{word}.{cls.ns}.example.com"

    def curl(self, host, *arguments, address, port=80, path="/", scheme="http", check=True):
        """What curl on the client's host prints."""
        command = ["curl", "--silent", "--show-error", "--max-time", "10", "--resolve", f"{host}:{port}:{address}", *arguments,
                   f"{scheme}://{host}:{port}{path}"]
        done = subprocess.run(self.node.namespaces.client_command(*command), capture_output=True, text=True)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def echoed(self, host, *arguments, **where):
        """What the backend heard of a request of curl, once it is answered by one."""
        def ask():
            try:
                return json.loads(self.curl(host, *arguments, check=False, **where))
            except ValueError:
                return None
        return eventually(ask, f"{host} is served at {where}", seconds=20)

    def status_of(self, host, *arguments, **where):
        return int(self.curl(host, "--output", "/dev/null", "--write-out", "%{http_code}", *arguments, check=False, **where) or 0)
