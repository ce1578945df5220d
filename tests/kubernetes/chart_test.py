"""The Helm chart: what it renders for its defaults and for each variant is taken by a real API server."""
import json
import subprocess
import unittest

from deploy_test import ManifestChecks
from support import deployment, objects
from support.tools import tool

# Values, as somebody who comes from ingress-nginx writes them.
VARIANTS = {
    "defaults": {},
    "nodeport": {"controller": {"service": {"type": "NodePort", "nodePorts": {"http": 30081, "https": 30444}}}},
    "daemonset": {"controller": {"kind": "DaemonSet", "hostNetwork": True, "service": {"enabled": False},
                                 "publishService": {"enabled": False}, "updateStrategy": {"type": "RollingUpdate"}}},
    "autoscaled": {"controller": {"autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 80},
                                  "minAvailable": 1, "priorityClassName": "system-cluster-critical"}},
    "namespace-selector": {"controller": {"service": {"type": "NodePort", "nodePorts": {"http": 30080, "https": 30443}},
                                          "scope": {"namespaceSelector": "fairlead.dev/serve=true"}}},
    "own-namespace": {"controller": {"scope": {"enabled": True}}},
    "other-namespace": {"controller": {"scope": {"enabled": True, "namespace": "default"}}},
    "migration": {"controller": {"ingressClassResource": {"name": "nginx", "default": True,
                                                          "controllerValue": "k8s.io/ingress-nginx"},
                                 "watchIngressWithoutClass": True}},
    "configured": {"fullnameOverride": "edge", "controller": {
        "config": {"use-gzip": True, "proxy-body-size": "8m"}, "configAnnotations": {"team": "edge"},
        "extraArgs": {"log-format": "json", "v": 3, "max-keepalive-requests": 2000000, "report-status-classes": ""},
        "extraEnvs": [{"name": "TZ", "value": "UTC"}],
        "tolerations": [{"key": "edge", "operator": "Exists"}], "podAnnotations": {"team": "edge"},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "edge", "operator": "Exists"}]}]}}}}},
    "cloud": {"controller": {"service": {
        "annotations": {"example.com/load-balancer": "network"}, "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "loadBalancerClass": "example.com/network", "internal": {"enabled": True, "annotations": {"example.com/scope": "internal"}}}}},
    "monitored": {"controller": {"networkPolicy": {"enabled": True}, "metrics": {
        "serviceMonitor": {"enabled": True, "additionalLabels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "rules": [{"alert": "FairleadDown", "expr": "up == 0"}]}}}},
}


def custom_kind(kind, plural):
    """The definition of a kind of the Prometheus operator, as far as a name."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.monitoring.coreos.com"},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}]}}


class ChartTest(ManifestChecks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        definitions = [custom_kind("ServiceMonitor", "servicemonitors"), custom_kind("PrometheusRule", "prometheusrules")]
        cls.cluster.apply(*definitions, objects.namespace("charts"))
        for definition in definitions:
            cls.cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/" + definition["metadata"]["name"])

    def helm(self, *arguments, values):
        done = subprocess.run([tool("helm"), *arguments, "--values", "-"], input=json.dumps(values), capture_output=True,
                              text=True, env={"HOME": str(self.cluster.folder)})
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout

    def render(self, name):
        return self.helm("template", "fairlead", deployment.DEPLOY / "chart", "--namespace=charts", values=VARIANTS[name])

    def test_each_variant_is_taken_by_an_api_server(self):
        for name in VARIANTS:
            with self.subTest(variant=name):
                (workload,) = deployment.of_kind(self.taken_by_the_server(self.render(name)), "Deployment", "DaemonSet")
                self.flags_are_taken(workload)
                if name != "daemonset":  # the host's network is what the restricted standard forbids
                    self.pods_are_restricted(workload)

    def test_helm_finds_nothing_wrong(self):
        for name, values in VARIANTS.items():
            with self.subTest(variant=name):
                self.helm("lint", "--strict", deployment.DEPLOY / "chart", values=values)

    def test_it_grants_what_the_manifests_grant(self):
        for variant, overlay in [("defaults", "loadbalancer"), ("own-namespace", "one-namespace"),
                                 ("namespace-selector", "namespace-selector")]:
            with self.subTest(variant=variant):
                self.assertEqual(self.rules(self.render(variant)), self.rules(deployment.overlay(overlay)))

    @staticmethod
    def rules(text):
        roles = deployment.of_kind(deployment.objects_of(text), "ClusterRole", "Role")
        return {role["kind"] + " " + role["metadata"]["name"]: sorted(role["rules"], key=str) for role in roles}

    def test_values_reach_the_flags(self):
        made = deployment.objects_of(self.render("configured"))
        flags = deployment.container_args(deployment.the(made, "Deployment", "edge"))
        for flag in ["--log-format=json", "--v=3", "--max-keepalive-requests=2000000", "--report-status-classes", "--configmap=fairlead/edge"]:
            self.assertIn(flag, flags)
        self.assertEqual(deployment.the(made, "ConfigMap", "edge")["data"], {"use-gzip": "true", "proxy-body-size": "8m"})


if __name__ == "__main__":
    unittest.main()
