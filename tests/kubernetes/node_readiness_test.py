"""Pods that are not ready get no request; and what becomes of a node that is not ready for a while."""
import signal
import unittest
import urllib.request

from support import workloads
from support.namespaces import NODE
from support.node import NAME
from support.node_case import NodeCase
from support.waiting import eventually


class ReadinessTest(NodeCase):
    def pod_addresses(self, app):
        listed = self.cluster.kubectl("get", "pods", "--namespace", self.ns, f"--selector=app={app}", "-o",
                                      "jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{\"\\n\"}{end}")
        return dict(line.split() for line in listed.splitlines())

    @staticmethod
    def make(address, state):
        """A pod's readiness probe succeeds (`good`) or fails (`bad`) from now on."""
        urllib.request.urlopen(f"http://{address}:{workloads.PORT}/health/{state}", data=b"", timeout=10).close()

    def answering(self, host, requests=20):
        return {self.echoed(host, address=NODE, port=30080)["pod"] for _ in range(requests)}

    def test_a_pod_whose_probe_fails_gets_no_request_until_it_succeeds_again(self):
        host = self.serve("probed", replicas=2)
        pods = self.pod_addresses("probed")
        eventually(lambda: self.answering(host) == set(pods), "both pods answer")
        first, second = pods
        self.make(pods[first], "bad")
        eventually(lambda: self.answering(host) == {second}, "only the other pod answers", 30)
        self.make(pods[second], "bad")
        eventually(lambda: self.status_of(host, address=NODE, port=30080) == 503, "no pod is left", 30)
        self.make(pods[first], "good")
        self.assertEqual(self.echoed(host, address=NODE, port=30080)["pod"], first)

    def test_a_node_that_was_not_ready_for_a_while_is_served_as_before(self):
        host = self.serve("patient")
        self.gets_address("patient", NODE)
        self.node.signal_kubelet(signal.SIGSTOP)
        try:
            eventually(lambda: not self.cluster.node_is_ready(NAME), "the node is not ready", 60)
            eventually(lambda: not self.ready_endpoints("patient"), "neither are its pods", 30)
        finally:
            self.node.signal_kubelet(signal.SIGCONT)
        eventually(lambda: self.cluster.node_is_ready(NAME), "the node is ready again", 30)
        self.assertEqual(self.echoed(host, address=NODE, port=30080)["service"], "patient")
        self.gets_address("patient", NODE)

if __name__ == "__main__":
    unittest.main()
