"""A control plane for a node: it listens where pods reach it, and runs the controllers and the scheduler."""
from .control_plane import ControlPlane
from .namespaces import HOST
from .process import Process
from .tools import tool

CONTROLLER_MANAGER, SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"


class NodeControlPlane(ControlPlane):
    host = HOST
    own_flags = ("--endpoint-reconciler-type=lease", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
                 "--enable-admission-plugins=NodeRestriction", "--kubelet-preferred-address-types=InternalIP")

    def __init__(self, folder):
        super().__init__(folder)
        self.controllers = Process(self.folder, "kube-controller-manager")
        self.scheduler = Process(self.folder, "kube-scheduler")

    def start(self):
        super().start()
        self.start_controllers()

    def stop(self):
        for process in (self.scheduler, self.controllers):
            process.stop()
        super().stop()

    def start_controllers(self):
        at = self.folder
        self.controllers.start(
            tool("kube-controller-manager"), f"--kubeconfig={self._authenticated(CONTROLLER_MANAGER)}", "--leader-elect=false",
            "--use-service-account-credentials=true", f"--service-account-private-key-file={at}/service-accounts.key",
            f"--root-ca-file={at}/ca.crt", "--kube-api-qps=200", "--kube-api-burst=400", "--secure-port=0",
            "--node-monitor-period=1s", "--node-monitor-grace-period=16s", environment={"GOMAXPROCS": "2"})
        self.scheduler.start(
            tool("kube-scheduler"), f"--kubeconfig={self._authenticated(SCHEDULER)}", "--leader-elect=false", "--secure-port=0",
            environment={"GOMAXPROCS": "2"})

    def has_default_account(self):
        return self.kubectl("get", "serviceaccount", "default", "--ignore-not-found", "-o", "name")

    def node_is_ready(self, name):
        condition = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}"
        return self.kubectl("get", "node", name, "--ignore-not-found", "-o", condition) == "True"

    def _authenticated(self, user):
        return self.certificate_user(user, user)
