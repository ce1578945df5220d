"""Fairlead as a pod of a real node, from our own manifests, asked by curl from another host."""
import unittest

from support import certificates, objects
from support.namespaces import CLIENT, NODE
from support.node_case import BALANCER, NodeCase, give_balancer_address, installation
from support.waiting import eventually


class NodePortTest(NodeCase):
    manifest = "nodeport"

    def test_a_request_to_a_nodes_port_reaches_a_pod_and_keeps_the_clients_address(self):
        host = self.serve("web")
        heard = self.echoed(host, address=NODE, port=30080, path="/a?b=c")
        self.assertEqual((heard["service"], heard["path"], heard["host"]), ("web", "/a", f"{host}:30080"))
        self.assertEqual(heard["headers"]["X-Forwarded-For"], [CLIENT])
        self.assertEqual(heard["headers"]["X-Real-Ip"], [CLIENT])

    def test_https_at_a_nodes_port_presents_the_certificate_of_the_secret(self):
        host, folder = self.host("secure"), self.node.folder
        certificates.self_signed(folder, "secure", f"/CN={host}", f"DNS:{host}")
        self.cluster.apply(objects.tls_secret(self.ns, "secure", folder / "secure.crt", folder / "secure.key"))
        self.serve("secure", ingress_options={"tls": [{"hosts": [host], "secretName": "secure"}]})
        heard = self.echoed(host, "--cacert", folder / "secure.crt", address=NODE, port=30443, scheme="https")
        self.assertEqual(heard["headers"]["X-Forwarded-Proto"], ["https"])
        self.assertEqual(self.status_of(host, address=NODE, port=30080), 308)

    def test_ingresses_get_the_address_of_the_node(self):
        self.serve("addressed")
        self.gets_address("addressed", NODE)

    def test_a_host_that_nobody_defined_is_not_found(self):
        self.serve("defined")
        self.echoed(self.host("defined"), address=NODE, port=30080)
        self.assertEqual(self.status_of(self.host("undefined"), address=NODE, port=30080), 404)


class LoadBalancerTest(NodeCase):
    """The test plays the cloud: it writes the address into the Service's status."""
    manifest = "loadbalancer"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        give_balancer_address(cls.cluster)

    def test_the_balancers_address_is_served_and_clients_keep_theirs(self):
        host = self.serve("web")
        heard = self.echoed(host, address=BALANCER)
        self.assertEqual(heard["headers"]["X-Forwarded-For"], [CLIENT])
        self.assertEqual(heard["headers"]["X-Real-Ip"], [CLIENT])

    def test_ingresses_get_the_balancers_address(self):
        self.serve("addressed")
        self.gets_address("addressed", BALANCER)
        self.assertEqual(self.get("ingress", "addressed")["status"]["loadBalancer"]["ingress"], [{"ip": BALANCER}])

    def test_the_health_check_port_says_whether_the_node_has_a_pod_that_serves(self):
        port = self.get("service", "fairlead", "fairlead")["spec"]["healthCheckNodePort"]
        ask = lambda: self.status_of("balancer.example.com", address=NODE, port=port, path="/healthz")
        eventually(lambda: ask() == 200, "the node is healthy")
        self.cluster.kubectl("scale", "deployment/fairlead", "--replicas=0", "--namespace=fairlead")
        try:
            eventually(lambda: ask() == 503, "without a pod the node is not", seconds=30)
        finally:
            self.cluster.kubectl("scale", "deployment/fairlead", "--replicas=2", "--namespace=fairlead")
            installation().is_rolled_out()
        eventually(lambda: ask() == 200, "the node is healthy again")


class HostNetworkTest(NodeCase):
    """A DaemonSet in the network of its nodes."""
    manifest = "host-network"

    def test_the_nodes_own_ports_are_served_and_clients_keep_their_address(self):
        host = self.serve("web")
        self.assertEqual(self.echoed(host, address=NODE)["headers"]["X-Real-Ip"], [CLIENT])
        self.assertEqual(self.status_of(host, "--insecure", address=NODE, port=443, scheme="https"), 200)

    def test_ingresses_get_the_address_of_the_node(self):
        self.serve("addressed")
        self.gets_address("addressed", NODE)


if __name__ == "__main__":
    unittest.main()
