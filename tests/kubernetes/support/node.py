"""A node: containerd, kubelet and kube-proxy on a host of their own, with a network for pods and a name server."""
import json
import os
from pathlib import Path

from . import cgroup, static_image
from .namespaces import HOST, NODE, PODS, Namespaces
from .process import Process, children
from .tools import tool
from .waiting import eventually

NAME = "node-1"
ECHO = "localhost/echo-server:1"
PAUSE = "localhost/pause:1"
SOCKET = "/run/containerd/containerd.sock"
OUTSIDE_NAME = "outside.example.com"  # what the name server knows: an address of the host that runs the tests

CONTAINERD = """version = 2
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true  # lowering it needs a capability that not every machine gives
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
"""

POD_NETWORK = {"cniVersion": "0.4.0", "name": "pods", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipMasq": False,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": True}}]}


def kubelet_configuration(folder):
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs", "cgroupRoot": "/" + cgroup.name_of_run(), "failCgroupV1": False, "failSwapOn": False,
        "containerRuntimeEndpoint": "unix://" + SOCKET,
        "clusterDNS": [HOST], "clusterDomain": "cluster.local", "resolvConf": "/etc/resolv.conf",
        "volumePluginDir": f"{folder}/kubelet/plugins", "nodeStatusUpdateFrequency": "1s", "nodeLeaseDurationSeconds": 8,
        "evictionHard": {"memory.available": "50Mi"}, "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99}


def proxy_configuration(kubeconfig):
    keep = {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}  # they are the machine's
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
        "clientConnection": {"kubeconfig": str(kubeconfig)}, "hostnameOverride": NAME, "clusterCIDR": PODS, "conntrack": keep,
        "iptables": {"minSyncPeriod": "100ms"}}


class Node:
    def __init__(self, folder, control_plane):
        self.folder = Path(folder).resolve()
        self.namespaces = Namespaces(self.folder)
        self._cluster = control_plane
        self._names = Process(self.folder, "dnsmasq")
        self._processes = []  # they end with the node

    def start(self):
        """Everything but waiting for it."""
        self.namespaces.start()
        self._start_names()
        self._start_containerd()
        self._start_kubelet()
        self._start_proxy()

    def becomes_ready(self):
        eventually(lambda: self._cluster.node_is_ready(NAME), "the node is ready", seconds=90)
        eventually(self._cluster.has_default_account, "the default service account is there", seconds=30)

    def stop(self):
        self._names.stop()
        self.namespaces.stop()
        for process in self._processes:
            process.stop()

    def import_image(self, archive):
        self.namespaces.node("ctr", "--address", SOCKET, "--namespace", "k8s.io", "images", "import", archive)

    def _spawn(self, name, *command):
        process = Process(self.folder, name)
        process.start(*self.namespaces.node_command(*command))
        self._processes.append(process)

    def signal_kubelet(self, number):
        (process,) = [one for one in self._processes if one.name == "kubelet"]
        (kubelet,) = children(process.pid)  # of the program that entered the node's namespaces for it
        os.kill(kubelet, number)
        process.send(number)  # nsenter stops with its child, and would not bury it

    def _start_names(self):
        self._names.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts",
                          "--user=root", f"--listen-address={HOST}", "--bind-interfaces", f"--address=/{OUTSIDE_NAME}/{HOST}",
                          "--local=/cluster.local/", "--log-facility=-")

    def _start_containerd(self):
        configuration = self.folder / "containerd.toml"
        configuration.write_text(CONTAINERD.format(folder=self.folder, socket=SOCKET, pause=PAUSE))
        network = self.folder / "network.conflist"
        network.write_text(json.dumps(POD_NETWORK))
        self.namespaces.node("mkdir", "-p", "/etc/cni/net.d")
        self.namespaces.node("cp", network, "/etc/cni/net.d/10-pods.conflist")
        self._spawn("containerd", "containerd", "--config", configuration)
        eventually(self._containerd_answers, "containerd answers", seconds=30)
        for reference, arguments in ((PAUSE, ["pause"]), (ECHO, [])):
            archive = self.folder / "image.tar"
            static_image.write(archive, reference, tool("echo-server"), *arguments)
            self.import_image(archive)

    def _containerd_answers(self):
        try:
            return self.namespaces.node("ctr", "--address", SOCKET, "version")
        except RuntimeError:
            return None

    def _start_kubelet(self):
        configuration = self.folder / "kubelet.json"
        configuration.write_text(json.dumps(kubelet_configuration(self.folder)))
        kubeconfig = self._cluster.certificate_user(f"system:node:{NAME}", "system:nodes")
        self._spawn("kubelet", tool("kubelet"), f"--kubeconfig={kubeconfig}", f"--config={configuration}",
                    f"--root-dir={self.folder}/kubelet", f"--cert-dir={self.folder}/kubelet-certificates",
                    f"--hostname-override={NAME}", f"--node-ip={NODE}")

    def _start_proxy(self):
        configuration = self.folder / "kube-proxy.json"
        kubeconfig = self._cluster.certificate_user("system:kube-proxy", "system:kube-proxy")
        configuration.write_text(json.dumps(proxy_configuration(kubeconfig)))
        self._spawn("kube-proxy", tool("kube-proxy"), f"--config={configuration}")
