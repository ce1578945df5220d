"""Three hosts on one wire: the one that runs the tests and the control plane, a node, and a client.

All of it is inside the network, mount and process namespaces that tests/kubernetes/run made, so it ends with them, however
they end. What those do not hold is the control group of the node: `run` removes it when nobody is left (see there).
"""
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

from . import cgroup
from .process import Process, children, runs
from .tools import tool
from .waiting import eventually

HOST = "10.90.0.1"
NODE = "10.90.0.11"
CLIENT = "10.90.0.100"
PODS = "10.245.0.0/24"
SERVICES = "10.96.0.0/16"
BALANCERS = "10.91.0.0/24"  # what a cloud would hand out for Services of type LoadBalancer

# What the kubelet sets for the whole machine. On the node these files are copies, so that the machine keeps its own.
MACHINE_SETTINGS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
                    "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}

PROGRAMS = ("containerd", "containerd-shim-runc-v2", "runc", "ctr", "iptables", "conntrack", "dnsmasq", "/usr/lib/cni/bridge")


@cache
def missing():
    """Why there can be no node here; None when there can."""
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
        return "a node needs the machine's root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return "not installed: " + ", ".join(absent) + " (deploy/install kubernetes)"
    if not cgroup.name_of_run():
        return "FAIRLEAD_CGROUP names no control group: start it with tests/kubernetes/run"
    return cgroup.trouble()


def _run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def _ip(line):
    _run("ip", *line.split())


def make_wire():
    """The three hosts, and how they reach each other."""
    _ip("link add outside type bridge")
    _ip(f"address add {HOST}/24 dev outside")
    _ip("link set outside up")
    for name, address in (("node", NODE), ("client", CLIENT)):
        _ip(f"netns add {name}")
        _ip(f"link add to-{name} type veth peer name eth0 netns {name}")
        _ip(f"link set to-{name} master outside up")
        _ip(f"-n {name} address add {address}/24 dev eth0")
        _ip(f"-n {name} link set lo up")
        _ip(f"-n {name} link set eth0 up")
    for network in (BALANCERS, PODS):
        _ip(f"route add {network} via {NODE}")
    _ip(f"-n client route add {BALANCERS} via {NODE}")
    # Without a default route, what the node itself asks for would have no way that kube-proxy could bend.
    for network in (BALANCERS, SERVICES):
        _ip(f"-n node route add {network} dev eth0")
    _run("nsenter", "--net=/run/netns/node", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


NODE_MOUNTS = f"""
set -eu
at=$1
mkdir -p $at/var $at/var.work $at/etc $at/etc.work $at/cgroup $at/settings
mount -t overlay -o lowerdir=/var,upperdir=$at/var,workdir=$at/var.work overlay /var
mount -t overlay -o lowerdir=/etc,upperdir=$at/etc,workdir=$at/etc.work overlay /etc
mount --rbind /sys/fs/cgroup $at/cgroup
mount -t sysfs sysfs /sys
mount --rbind $at/cgroup /sys/fs/cgroup
umount -l $at/cgroup
mount --make-rshared /
hostname node-1
printf '127.0.0.1 localhost\\n{NODE} node-1\\n' >/etc/hosts
rm -f /etc/resolv.conf
echo nameserver {HOST} >/etc/resolv.conf
"""


class Namespaces:
    """Those of the node; its network is there (make_wire)."""

    def __init__(self, folder):
        self._folder = folder
        self._first = Process(folder, "first-process")
        self._first_pid = None

    def start(self):
        self._folder.mkdir(parents=True, exist_ok=True)
        cgroup.make(cgroup.name_of_run())
        self._first.start("nsenter", "--net=/run/netns/node", "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork",
                          "--kill-child", "--propagation=private", "--mount-proc", tool("echo-server"), "pause")
        self._first_pid = eventually(self._find_first, "the first process of the node runs")
        cgroup.join(cgroup.name_of_run(), self._first_pid)
        self.node("sh", "-c", NODE_MOUNTS, "sh", self._folder)
        self._keep_machine_settings()

    def stop(self):
        """Ends every process of the node, and removes its control group."""
        self._first.stop(signal.SIGKILL)
        eventually(lambda: not self._first_pid or not runs(self._first_pid), "the node has ended", 30)
        eventually(lambda: cgroup.remove(cgroup.name_of_run()), "the control group of the node is gone")

    def node_command(self, *command):
        return ["nsenter", f"--target={self._first_pid}", "--mount", "--net", "--pid", "--uts", "--ipc", "--", *command]

    def node(self, *command):
        """Its standard output."""
        return _run(*self.node_command(*command))

    @staticmethod
    def client_command(*command):
        return ["nsenter", "--net=/run/netns/client", "--", *command]

    def _find_first(self):
        if not self._first.runs():
            raise RuntimeError("the node's namespaces cannot be made:\n" + self._first.last_lines())
        found = children(self._first.pid)
        # Once it runs the program of the node, the mounts of its namespaces are as they shall be.
        return found[0] if found and Path(f"/proc/{found[0]}/exe").resolve().name == "echo-server" else None

    def _keep_machine_settings(self):
        for name, value in MACHINE_SETTINGS.items():
            copy = self._folder / "settings" / name.replace("/", ".")
            copy.write_text(f"{value}\n")
            self.node("mount", "--bind", copy, f"/proc/sys/{name}")
