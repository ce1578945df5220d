"""What the READMEs say, done on a real node as a new user would do it."""
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

from support import objects, static_image, workloads
from support.fairlead import ROOT
from support.namespaces import NODE
from support.node_case import BALANCER, DEPLOY, NodeCase, give_balancer_address
from support.tools import tool
from support.waiting import eventually


def commands(readme, name):
    """The indented lines that follow the comment `tried: NAME`."""
    block = re.search(rf"^<!-- tried: {name} -->\n((?:    .*\n)+)", (ROOT / readme).read_text(), re.MULTILINE)
    return re.sub(r"^    ", "", block[1], flags=re.MULTILINE)


class InstallCase(NodeCase):
    """A shell with kubectl, whose curl is that of the client's host."""

    def shell(self, script):
        shims = self.node.folder / "shims"
        shims.mkdir(exist_ok=True)
        clients_curl = self.node.namespaces.client_command(shutil.which("curl"), "-sSm10")
        for name, command in (("kubectl", [tool("kubectl")]), ("curl", clients_curl)):
            (shims / name).write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
            (shims / name).chmod(0o755)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120,
                              env={"PATH": f"{shims}:{os.environ['PATH']}", "HOME": str(self.cluster.folder),
                                   "KUBECONFIG": str(self.cluster.kubeconfig("admin"))})
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout


class ReadmeTest(InstallCase):
    manifest = "nodeport"

    def test_the_first_ingress(self):
        archive = self.node.folder / "web-server.tar"
        static_image.write(archive, "docker.io/library/nginx:1", tool("echo-server"), environment=["PORT=80"])
        self.node.import_image(archive)
        self.addCleanup(self.cluster.kubectl, "delete", "deployment,service,ingress", "web", "--namespace=default")
        told = self.shell(commands("README.md", "first Ingress"))
        self.assertEqual(json.loads(told.splitlines()[-1])["host"], "web.example.com:30080")

    def test_another_service(self):
        host = self.serve("web")
        self.addCleanup(self.cluster.kubectl, "delete", "service", "fairlead-extra", "--namespace=fairlead")
        self.shell(commands("deploy/README.md", "expose"))
        spec = self.get("service", "fairlead-extra", "fairlead")["spec"]
        self.assertEqual(spec["externalTrafficPolicy"], "Local")
        self.assertEqual(self.echoed(host, address=NODE, port=spec["ports"][0]["nodePort"])["service"], "web")


class BesideIngressNginxTest(InstallCase):
    manifest = "beside-ingress-nginx"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        give_balancer_address(cls.cluster)
        nginx = objects.ingress_class("nginx")
        nginx["spec"]["controller"] = "k8s.io/ingress-nginx"
        cls.cluster.apply(nginx)
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "ingressclass", "nginx")

    def test_the_ingresses_of_ingress_nginx_are_served_and_left_as_they_are(self):
        host = self.serve("web", ingress_options={"class_name": "nginx"})
        status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}  # as ingress-nginx would write it
        self.cluster.kubectl("patch", "ingress", "web", "--namespace", self.ns, "--subresource=status", "--type=merge",
                             "-p", json.dumps(status))
        before = self.get("ingress", "web")
        self.assertEqual(self.echoed(host, address=BALANCER)["service"], "web")
        annotated = self.host("annotated")
        old = workloads.ingress(self.ns, "annotated", workloads.rule(annotated, ("Prefix", "/", workloads.backend("web"))))
        del old["spec"]["ingressClassName"]
        old["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "nginx"}
        self.cluster.apply(old)
        self.assertEqual(self.echoed(annotated, address=BALANCER)["service"], "web")
        after = self.get("ingress", "web")
        self.assertEqual((after["status"], after["metadata"]["resourceVersion"]),
                         (before["status"], before["metadata"]["resourceVersion"]))
        events = self.cluster.kubectl("get", "events", "--namespace", self.ns, "-o", "name",
                                      "--field-selector=involvedObject.kind=Ingress")
        self.assertEqual(events, "")


class ChartOnNodeTest(InstallCase):
    manifest = "nodeport"

    def helm(self, *arguments):
        subprocess.run([tool("helm"), *arguments, "--namespace", self.ns], check=True, stdout=subprocess.DEVNULL, timeout=120,
                       env={"HOME": str(self.cluster.folder), "KUBECONFIG": str(self.cluster.kubeconfig("admin"))})

    def test_it_installs_and_serves_its_class_and_goes_without_a_trace(self):
        values = {"fullnameOverride": "edge", "controller": {
            "replicaCount": 1, "ingressClass": "edge",
            "ingressClassResource": {"name": "edge", "controllerValue": "example.com/edge"},
            "service": {"type": "NodePort", "nodePorts": {"http": 30081, "https": 30444}}}}
        file = self.node.folder / "values.json"
        file.write_text(json.dumps(values))
        self.helm("install", "edge", DEPLOY / "chart", "--values", file, "--wait", "--timeout=60s")
        host = self.serve("web", ingress_options={"class_name": "edge"})
        self.assertEqual(self.echoed(host, address=NODE, port=30081)["service"], "web")
        self.gets_address("web", NODE)
        self.assertEqual(self.status_of(host, address=NODE, port=30080), 404)  # the other Fairlead leaves that class alone
        self.cluster.kubectl("scale", "deployment/edge", "--replicas=0", "--namespace", self.ns)
        eventually(lambda: self.addresses("web") == [], "the last replica takes its addresses away", 30)
        self.helm("uninstall", "edge", "--wait", "--timeout=60s")
        left = self.cluster.kubectl("get", "clusterrole,clusterrolebinding,ingressclass", "-o", "name")
        self.assertNotIn("edge", re.findall(r"/(edge\S*)", left))


if __name__ == "__main__":
    unittest.main()
