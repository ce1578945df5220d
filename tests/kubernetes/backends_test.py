"""Services of every kind as backends, as the API server takes them."""
from support import objects
from support.case import KubernetesCase
from support.pods import PORT
from support.waiting import eventually

SHORT = 2.0  # seconds from kubectl's end to the first request that is served by the change


def endpoint(pod, ready=True, serving=True, terminating=False, zone=None, node=None):
    made = {"addresses": [pod.address], "conditions": {"ready": ready, "serving": serving, "terminating": terminating}}
    if zone:
        made["hints"] = {"forZones": [{"name": zone}]}
    if node:
        made["hints"]["forNodes"] = [{"name": node}]
    return made


class BackendCase(KubernetesCase):
    def slice(self, name, *endpoints):
        made = objects.endpoint_slice(self.ns, name)
        made["endpoints"] = list(endpoints)
        return made

    def lead(self, name, spec):
        """An Ingress to a Service that is described; returns its host."""
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": self.ns}, "spec": spec}
        self.cluster.apply(service, objects.ingress(self.ns, name, self.host(name), name))
        return self.host(name)

    def bodies(self, host):
        return {self.fairlead.get(host).body for _ in range(20)}


class BackendsTest(BackendCase):
    def test_every_type_with_endpoints_is_served(self):
        ports = [{"name": "http", "port": 80, "targetPort": "web"}]
        types = {"cluster-ip": {"type": "ClusterIP"}, "node-port": {"type": "NodePort"},
                 "load-balancer": {"type": "LoadBalancer"}, "headless": {"clusterIP": "None"}}
        for name, spec in types.items():
            with self.subTest(name):
                host = self.lead(name, {**spec, "ports": ports, "selector": {"app": name}})
                self.cluster.apply(objects.endpoint_slice(self.ns, name, self.pod(name)))
                self.fairlead.answers(host, f"pod {name}", seconds=SHORT)

    def test_an_external_name_that_is_an_address_leads_there(self):
        pod = self.pod("outside")
        host = self.lead("outside", {"type": "ExternalName", "externalName": pod.address,
                                     "ports": [{"port": 80, "targetPort": PORT}]})
        self.fairlead.answers(host, "pod outside", seconds=SHORT)

    def test_an_external_name_without_ports_takes_the_ingresss_number(self):
        pod = self.pod("bare")
        host = self.lead("bare", {"type": "ExternalName", "externalName": pod.address})
        patch = '[{"op": "replace", "path": "/spec/rules/0/http/paths/0/backend/service/port/number", "value": %d}]' % PORT
        self.cluster.kubectl("patch", "ingress", "bare", "-n", self.ns, "--type=json", "-p", patch)
        self.fairlead.answers(host, "pod bare", seconds=SHORT)

    def test_an_external_name_that_leads_inside_is_refused(self):
        host = self.lead("inside", {"type": "ExternalName", "externalName": "127.0.0.1"})
        eventually(lambda: self.fairlead.problem_with("127.0.0.1, a loopback address"), "the address is a Problem")
        self.assertEqual(self.fairlead.get(host).status, 503)

    def test_draining_endpoints_are_used_when_no_other_is_ready(self):
        leaving, coming = self.pod("leaving"), self.pod("coming")
        host = self.lead("draining", {"ports": [{"name": "http", "port": 80}]})
        self.cluster.apply(self.slice("draining", endpoint(leaving, ready=False, terminating=True)))
        self.fairlead.answers(host, "pod leaving", seconds=SHORT)
        self.cluster.apply(self.slice("draining", endpoint(leaving, ready=False, terminating=True), endpoint(coming)))
        self.fairlead.answers(host, "pod coming", seconds=SHORT)
        self.assertEqual(self.bodies(host), {"pod coming /\n"})

    def test_what_is_not_ready_is_used_where_the_service_publishes_it(self):
        host = self.lead("eager", {"publishNotReadyAddresses": True, "ports": [{"name": "http", "port": 80}]})
        self.cluster.apply(self.slice("eager", endpoint(self.pod("eager"), ready=False, serving=False)))
        self.fairlead.answers(host, "pod eager", seconds=SHORT)


class TopologyTest(BackendCase):
    @classmethod
    def start_fairlead(cls):
        node = {"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": "zoned", "labels": {"topology.kubernetes.io/zone": "z1"}}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fairlead-0", "namespace": cls.ns},
               "spec": {"nodeName": "zoned", "containers": [{"name": "fairlead", "image": "fairlead"}]}}
        cls.cluster.apply(node, pod)
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "node", "zoned")
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "pod", "fairlead-0", "-n", cls.ns, "--force", "--grace-period=0")
        cls.fairlead.start(f"--kubeconfig={cls.cluster.kubeconfig('admin')}", "--enable-topology-aware-routing",
                           "--update-status=false", environment={"POD_NAME": "fairlead-0", "POD_NAMESPACE": cls.ns})

    def test_endpoints_meant_for_our_zone_are_used_alone(self):
        host = self.lead("zones", {"ports": [{"name": "http", "port": 80}]})
        near, far = self.pod("near"), self.pod("far")
        self.cluster.apply(self.slice("zones", endpoint(near, zone="z1"), endpoint(far, zone="z2")))
        self.fairlead.answers(host, "pod near", seconds=SHORT)
        eventually(lambda: self.bodies(host) == {"pod near /\n"}, "only the pod of our zone answers")
        self.cluster.apply(self.slice("zones", endpoint(near, zone="z1"), endpoint(far)))
        eventually(lambda: len(self.bodies(host)) == 2, "a missing hint makes all of them none")

    def test_endpoints_meant_for_our_node_go_before_those_of_the_zone(self):
        host = self.lead("nodes", {"ports": [{"name": "http", "port": 80}]})
        here, there = self.pod("here"), self.pod("there")
        self.cluster.apply(self.slice("nodes", endpoint(here, zone="z1", node="zoned"),
                                      endpoint(there, zone="z1", node="another")))
        eventually(lambda: self.bodies(host) == {"pod here /\n"}, "only the pod of our node answers")
