"""deploy/: every manifest is taken by a real API server, and its pods are what the strictest Pod Security Standard allows."""
import json
import re
import tempfile
import unittest
from pathlib import Path

from support import deployment, objects
from support.case import control_plane, work_folder
from support.fairlead import Fairlead

OVERLAYS = sorted(folder.name for folder in (deployment.DEPLOY / "kubernetes" / "overlays").iterdir())
FILES = ["nodeport", "loadbalancer"]


def seconds(flags, name):
    (value,) = [flag.split("=")[1] for flag in flags if flag.startswith(f"--{name}=")]
    number, unit = re.fullmatch(r"(\d+)([sm])", value).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


class ManifestChecks:
    """What holds for whatever makes the manifests."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane()
        restricted = objects.namespace("restricted")
        restricted["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}
        cls.cluster.apply(restricted)

    def taken_by_the_server(self, text):
        """Namespaces are made, all else is only tried."""
        made = deployment.objects_of(text)
        for namespace in deployment.of_kind(made, "Namespace"):
            self.cluster.apply(namespace)
        self.cluster.kubectl("apply", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=text)
        return made

    def pods_are_restricted(self, workload):
        """A pod of it is admitted to a namespace that enforces the restricted standard."""
        template = workload["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "labels": template["metadata"]["labels"]},
               "spec": template["spec"]}
        with self.cluster.session() as session:
            session.post("/api/v1/namespaces/restricted/pods?dryRun=All", json.dumps(pod))

    def flags_are_taken(self, workload):
        """The program starts with these flags, and has time to end before it is killed."""
        flags = deployment.container_args(workload)
        patience = workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        self.assertGreater(patience, seconds(flags, "shutdown-grace-period") + seconds(flags, "drain-timeout"))
        folder = Path(tempfile.mkdtemp(prefix="flags-", dir=work_folder()))
        chosen = re.compile("--(shutdown-grace-period|http-port|https-port|healthz-port)=")
        fairlead = Fairlead(folder)
        self.addCleanup(fairlead.stop)
        fairlead.start(f"--kubeconfig={self.cluster.kubeconfig('admin')}", *[flag for flag in flags if not chosen.match(flag)])


class DeployTest(ManifestChecks, unittest.TestCase):
    def test_the_check_of_pods_can_fail(self):
        workload = deployment.the(deployment.objects_of(deployment.overlay("nodeport")), "Deployment")
        workload["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = ["NET_ADMIN"]
        with self.assertRaisesRegex(AssertionError, "restricted"):
            self.pods_are_restricted(workload)

    def test_each_overlay_is_taken_by_an_api_server(self):
        for name in OVERLAYS:
            with self.subTest(overlay=name):
                made = self.taken_by_the_server(deployment.overlay(name))
                (workload,) = deployment.of_kind(made, "Deployment", "DaemonSet")
                if name != "host-network":  # which the restricted standard forbids
                    self.pods_are_restricted(workload)
                self.flags_are_taken(workload)

    def test_the_rendered_files_are_those_of_the_overlays(self):
        for name in FILES:
            with self.subTest(file=name):
                rendered = (deployment.DEPLOY / f"{name}.yaml").read_text()
                without_head = re.sub(r"\A(#.*\n)*", "", rendered)
                self.assertEqual(without_head, deployment.overlay(name), "say deploy/render")

    def test_clients_keep_their_address(self):
        for name in FILES:
            with self.subTest(file=name):
                service = deployment.the(deployment.objects_of(deployment.overlay(name)), "Service")
                self.assertEqual(service["spec"]["externalTrafficPolicy"], "Local")

    def test_the_service_reaches_the_ports_and_pods_of_the_deployment(self):
        made = deployment.objects_of(deployment.overlay("nodeport"))
        template = deployment.the(made, "Deployment")["spec"]["template"]
        names = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
        for service in deployment.of_kind(made, "Service"):
            self.assertLessEqual(service["spec"]["selector"].items(), template["metadata"]["labels"].items())
            self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, names)


if __name__ == "__main__":
    unittest.main()
