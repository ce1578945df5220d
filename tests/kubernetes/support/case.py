"""What every test case here begins with: one control plane for the whole run, one Fairlead and one namespace a class."""
import atexit
import itertools
import os
import re
import shutil
import tempfile
import unittest
from functools import cache
from pathlib import Path

from . import objects
from .control_plane import ControlPlane
from .fairlead import Fairlead
from .pods import Pod

_numbers = itertools.count(1)


@cache
def work_folder():
    folder = Path(tempfile.mkdtemp(prefix="fairlead-kubernetes-"))
    atexit.register(_leave, folder)
    return folder


def _leave(folder):
    kept = os.environ.get("FAIRLEAD_LOGS")
    if kept:
        shutil.rmtree(kept, ignore_errors=True)
        for log in filter(Path.is_file, folder.rglob("*.log")):  # the node has links to what only it can see
            target = Path(kept) / log.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, target)
    shutil.rmtree(folder, ignore_errors=True)


@cache
def control_plane():
    cluster = ControlPlane(work_folder() / "control-plane")
    atexit.register(cluster.stop)
    cluster.start()
    cluster.apply(objects.ingress_class())
    return cluster


class KubernetesCase(unittest.TestCase):
    """Starts Fairlead as the admin; a class that needs it otherwise overrides start_fairlead."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane()
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        cls.ns = f"{words}-{next(_numbers)}"
        cls.cluster.apply(objects.namespace(cls.ns))
        cls.folder = work_folder() / cls.ns
        cls.fairlead = Fairlead(cls.folder)
        cls.addClassCleanup(cls.fairlead.stop)
        cls.start_fairlead()
        cls.fairlead.becomes_ready()

    @classmethod
    def start_fairlead(cls):
        cls.fairlead.start(f"--kubeconfig={cls.cluster.kubeconfig('admin')}")

    def another_fairlead(self, name, *flags):
        """A second one beside that of the class, as the admin, until the test ends."""
        fairlead = Fairlead(self.folder, name)
        self.addCleanup(fairlead.stop)
        fairlead.start(f"--kubeconfig={self.cluster.kubeconfig('admin')}", *flags)
        return fairlead

    def pod(self, name):
        pod = Pod(name)
        self.addCleanup(pod.stop)
        return pod

    def host(self, word):
        return f"{word}.{self.ns}.example.com"

    def serve(self, name, *pods, **ingress_options):
        """Service, EndpointSlice and Ingress of this name, for the host NAME.…; returns the host, not yet served."""
        host = self.host(name)
        self.cluster.apply(objects.service(self.ns, name), objects.endpoint_slice(self.ns, name, *pods),
                           objects.ingress(self.ns, name, host, name, **ingress_options))
        return host

    def served(self, name, **ingress_options):
        """The host of a new service with one pod, once requests reach the pod."""
        host = self.serve(name, self.pod(name), **ingress_options)
        self.fairlead.answers(host, f"pod {name}")
        return host
