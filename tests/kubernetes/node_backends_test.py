"""Backends of every kind of Service, on a real node."""
import unittest

from support import objects, workloads
from support.fairlead import takes
from support.namespaces import HOST, NODE
from support.node import OUTSIDE_NAME
from support.node_case import NodeCase
from support.pods import PORT, Pod
from support.waiting import eventually


class BackendsTest(NodeCase):
    def ingress_of(self, name, port=80):
        host = self.host(name)
        self.cluster.apply(workloads.ingress(self.ns, name, workloads.rule(host, ("Prefix", "/", workloads.backend(name, port)))))
        return host

    def all_answer(self, host, pods):
        """Every one of these pods answers, and nobody else."""
        seen = set()

        def complete():
            seen.add(self.echoed(host, address=NODE, port=30080)["pod"])
            return len(seen) >= len(pods)

        eventually(complete, f"{sorted(pods)} all answer, not only {sorted(seen)}", seconds=30)
        self.assertEqual(seen, set(pods))

    def test_a_headless_service_of_a_stateful_set_by_the_name_of_its_port(self):
        headless = workloads.service(self.ns, "members", clusterIP="None")
        self.cluster.apply(headless, workloads.stateful_set(self.ns, "members", replicas=3))
        self.rolled_out("statefulset/members")
        self.all_answer(self.ingress_of("members", "http"), {"members-0", "members-1", "members-2"})

    def test_a_service_with_a_cluster_address(self):
        self.cluster.apply(workloads.deployment(self.ns, "clustered", replicas=2), workloads.service(self.ns, "clustered"))
        self.rolled_out("deployment/clustered")
        listed = self.cluster.kubectl("get", "pods", "--namespace", self.ns, "--selector=app=clustered", "-o", "name").split()
        self.all_answer(self.ingress_of("clustered"), {name.removeprefix("pod/") for name in listed})

    def test_services_that_are_exposed_themselves(self):
        self.cluster.apply(workloads.deployment(self.ns, "exposed"))
        self.rolled_out("deployment/exposed")
        for kind in ("NodePort", "LoadBalancer"):
            with self.subTest(type=kind):
                service = workloads.service(self.ns, kind.lower(), type=kind)
                service["spec"]["selector"] = {"app": "exposed"}
                self.cluster.apply(service)
                heard = self.echoed(self.ingress_of(kind.lower()), address=NODE, port=30080)
                self.assertEqual(heard["service"], "exposed")

    def test_a_service_without_a_selector_and_a_slice_made_by_hand(self):
        self.cluster.apply(workloads.deployment(self.ns, "chosen"))
        self.rolled_out("deployment/chosen")
        (pod,) = self.cluster.kubectl("get", "pods", "--namespace", self.ns, "--selector=app=chosen",
                                      "-o", "jsonpath={.items[*].status.podIP}").split()
        service = workloads.service(self.ns, "by-hand")
        del service["spec"]["selector"]
        made = objects.endpoint_slice(self.ns, "by-hand")
        made["ports"][0]["port"] = workloads.PORT
        made["endpoints"] = [{"addresses": [pod]}]  # without conditions, which means ready
        self.cluster.apply(service, made)
        self.assertEqual(self.echoed(self.ingress_of("by-hand"), address=NODE, port=30080)["service"], "chosen")

    def test_a_service_whose_endpoints_are_no_pods_but_another_host(self):
        elsewhere = Pod("elsewhere", HOST)
        self.addCleanup(elsewhere.stop)
        self.cluster.apply(objects.service(self.ns, "elsewhere"), objects.endpoint_slice(self.ns, "elsewhere", elsewhere))
        host = self.ingress_of("elsewhere")
        eventually(lambda: self.curl(host, address=NODE, port=30080) == "pod elsewhere /\n", "the other host answers")

    @unittest.skipUnless(takes("disable-svc-external-name"), "this program does not resolve names of Services yet")
    def test_an_external_name(self):
        outside = Pod("outside", HOST)
        self.addCleanup(outside.stop)
        service = objects.service(self.ns, "named")
        service["spec"] = {"type": "ExternalName", "externalName": OUTSIDE_NAME,
                           "ports": [{"name": "http", "port": PORT}]}
        self.cluster.apply(service)
        host = self.ingress_of("named", PORT)
        eventually(lambda: self.curl(host, address=NODE, port=30080) == "pod outside /\n", "the named host answers")


if __name__ == "__main__":
    unittest.main()
