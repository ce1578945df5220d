"""In place of a node: Fairlead and its backends as processes on the bridge that stands for the network of pods."""
import atexit
import urllib.error
import urllib.request
from functools import cache

from . import objects, pods, workloads
from .case import control_plane, work_folder
from .fairlead import Fairlead
from .process import Process
from .tools import tool
from .waiting import eventually

ADDRESS = "10.244.0.1"  # of the bridge itself


class Stage:
    """Fairlead at ports 80 and 443 of ADDRESS."""

    def __init__(self, flags):
        self.cluster = control_plane()
        self.folder = work_folder() / "backend-processes"
        self._fairlead = Fairlead(self.folder)
        atexit.register(self._fairlead.stop)
        self._fairlead.start(f"--kubeconfig={self.cluster.kubeconfig('admin')}", "--http-port=80", "--https-port=443",
                             f"--bind-address={ADDRESS}", f"--publish-status-address={ADDRESS}", "--disable-leader-election", *flags)

    def start_backends(self, ns, name, replicas, environment):
        """Echo servers as the endpoints of this Service; what stops them."""
        started = [self._start_one(f"{name}-{number}", {"NAMESPACE": ns, "SERVICE_NAME": name, **environment})
                   for number in range(replicas)]
        endpoints = objects.endpoint_slice(ns, name)
        endpoints["ports"][0]["port"] = workloads.PORT
        endpoints["endpoints"] = [{"addresses": [address], "conditions": {"ready": True}} for address, _ in started]
        self.cluster.apply(endpoints)
        return lambda: [process.stop() for _, process in started]

    def _start_one(self, name, environment):
        address = pods.new_address()
        process = Process(self.folder, f"{environment['NAMESPACE']}-{name}")
        process.start(tool("echo-server"), environment={"ADDRESS": address, "POD_NAME": name, **environment})
        eventually(lambda: self._is_well(address), f"{name} answers")
        return address, process

    @staticmethod
    def _is_well(address):
        try:
            urllib.request.urlopen(f"http://{address}:{workloads.PORT}/health", timeout=5).close()
            return True
        except urllib.error.URLError:
            return False


@cache
def stage(flags):
    return Stage(flags)
