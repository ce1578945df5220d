"""Fairlead with exactly the rights that deploy/ grants: no call is forbidden, and no right is without use."""
import json
import unittest

from support import certificates, deployment, objects
from support.case import KubernetesCase
from support.waiting import eventually

# What it may ask for although no Role can grant it: it does without.
CLUSTER_WIDE = {*(("networking.k8s.io", "ingressclasses", verb) for verb in ["list", "watch"]), ("", "nodes", "get")}
ACCOUNT = "system:serviceaccount:fairlead:fairlead"


def granted(roles):
    return {(group, resource, verb) for role in roles for rule in role["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"]}


def asked(event):
    what = event["objectRef"]
    resource = what["resource"] + ("/" + what["subresource"] if "subresource" in what else "")
    return what.get("apiGroup", ""), resource, event["verb"]


class AsDeployed(KubernetesCase):
    """Starts it with the service account, the roles and the flags of an overlay of deploy/."""

    overlay = None

    @classmethod
    def start_fairlead(cls):
        cls.objects = deployment.objects_of(deployment.overlay(cls.overlay))
        cls.cluster.kubectl("apply", "-f", "-", stdin=deployment.overlay(cls.overlay))
        cls.addClassCleanup(cls.withdraw)
        cls.addClassCleanup(cls.fairlead.stop)  # before its rights are withdrawn
        cls.make_pod(deployment.the(cls.objects, "Deployment")["spec"]["template"])
        cls.seen = len(cls.cluster.audited(ACCOUNT))
        cls.start_program()

    @classmethod
    def start_program(cls):
        workload = deployment.the(cls.objects, "Deployment")
        flags = [flag for flag in deployment.container_args(workload) if "grace-period" not in flag]
        token = cls.cluster.service_account_token("fairlead", "fairlead")
        cls.fairlead.start_in_cluster(cls.cluster, token, *flags,
                                      environment={"POD_NAME": "fairlead-0", "POD_NAMESPACE": "fairlead"})

    @classmethod
    def make_pod(cls, template):
        """The pod that it runs in, as the controllers and the kubelet would make it, and its node."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": {**template["spec"], "nodeName": "node-1"}, "metadata": {
            "name": "fairlead-0", "namespace": "fairlead", "labels": template["metadata"]["labels"]}}
        cls.cluster.apply(node, pod)
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "pod", "fairlead-0", "-n", "fairlead", "--force", "--grace-period=0")
        addresses = [{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "ExternalIP", "address": "198.51.100.1"}]
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        with cls.cluster.session() as session:
            session.merge("/api/v1/nodes/node-1/status", json.dumps({"status": {"addresses": addresses}}))
            session.merge("/api/v1/namespaces/fairlead/pods/fairlead-0/status", json.dumps({"status": ready}))

    @classmethod
    def withdraw(cls):
        """All but what other tests use."""
        for made in cls.objects:
            if made["kind"] in ("Namespace", "IngressClass"):
                continue
            place = ["-n", made["metadata"]["namespace"]] if "namespace" in made["metadata"] else []
            cls.cluster.kubectl("delete", made["kind"], made["metadata"]["name"], *place)

    def calls(self):
        return self.cluster.audited(ACCOUNT)[self.seen:]

    def use_everything(self, ns, **ingress_options):
        """Makes it read every kind, and a Secret by name."""
        host = self.host("secure")
        certificates.self_signed(self.folder, "secure", f"/CN={host}", f"DNS:{host}")
        pod = self.pod("secure")
        self.cluster.apply(
            objects.tls_secret(ns, "secure-tls", self.folder / "secure.crt", self.folder / "secure.key"),
            objects.service(ns, "secure"), objects.endpoint_slice(ns, "secure", pod),
            objects.ingress(ns, "secure", host, "secure", secret="secure-tls", **ingress_options))
        self.fairlead.answers_status(host, 308)
        der = certificates.openssl("x509", "-in", self.folder / "secure.crt", "-outform", "DER")
        eventually(lambda: self.fairlead.certificate_of(host) == der, "the certificate of the Secret is presented")


    def wait_for_the_address(self, ns, name):
        found = lambda: self.cluster.kubectl("get", "ingress", name, "-n", ns, "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
        eventually(lambda: found() == "198.51.100.1", f"Ingress {name} has the address of the node", seconds=60)

    def repeat_an_event(self, ns, name):
        """A change that is told as the one before it was: by counting it on the Event that is there."""
        counts = lambda: self.cluster.kubectl("get", "events", "-n", ns, "-o", f"jsonpath={{.items[?(@.involvedObject.name=='{name}')].count}}")
        for value in ("1m", "2m", "3m"):
            self.cluster.kubectl("annotate", "ingress", name, "-n", ns, "--overwrite", f"nginx.ingress.kubernetes.io/proxy-body-size={value}")
        eventually(lambda: any(int(count) > 1 for count in counts().split()), "an Event is counted", seconds=60)

    def list_in_pages(self):
        """Of an API server that does not stream lists, until it has done so."""
        self.addCleanup(self.cluster.restart_api_server)
        self.cluster.compact()
        self.cluster.restart_api_server("--feature-gates=WatchList=false")
        self.served("in-pages")

    def end(self):
        """It ends, which is when it asks who else there is; the next test finds it running."""
        self.fairlead.stop()
        self.addCleanup(self.fairlead.becomes_ready)
        self.addCleanup(self.start_program)

    def nothing_is_forbidden(self):
        """To be asked before the API server is restarted: it forbids all until it has read the roles."""
        self.assertEqual([asked(call) for call in self.calls() if call["responseStatus"]["code"] in (401, 403)], [])

    def granted_and_asked(self):
        calls = self.calls()
        return granted(deployment.of_kind(self.objects, "ClusterRole", "Role")), {asked(call) for call in calls}


class ClusterRoleTest(AsDeployed):
    overlay = "nodeport"

    def test_no_call_is_forbidden_and_no_right_is_without_use(self):
        self.use_everything(self.ns)
        self.wait_for_the_address(self.ns, "secure")
        self.repeat_an_event(self.ns, "secure")
        self.nothing_is_forbidden()
        self.list_in_pages()
        self.end()
        rights, used = self.granted_and_asked()
        self.assertEqual(rights - used, set(), "granted without use")

    def test_secrets_are_asked_for_by_name_only(self):
        self.use_everything(self.ns)
        named = [call["objectRef"].get("name") for call in self.calls()
                 if call["objectRef"]["resource"] == "secrets" and call["objectRef"]["namespace"] == self.ns]
        self.assertEqual(set(named), {"secure-tls"})


class NamespaceSelectorTest(AsDeployed):
    overlay = "namespace-selector"

    def label(self, value):
        self.cluster.kubectl("label", "namespace", self.ns, "--overwrite", f"fairlead.dev/serve={value}")

    def test_ingresses_come_and_go_with_the_labels_of_their_namespace(self):
        host = self.serve("selected", self.pod("selected"))
        self.assertEqual(self.fairlead.get(host).status, 404)
        self.label("true")
        self.fairlead.answers(host, "pod selected")
        self.label("false")
        self.fairlead.answers_status(host, 404)
        self.label("true")
        self.fairlead.answers(host, "pod selected")

    def test_namespaces_are_read_with_exactly_the_right_to(self):
        self.label("true")
        self.served("labelled")
        self.nothing_is_forbidden()
        self.list_in_pages()
        rights, used = self.granted_and_asked()
        mine = {right for right in rights if right[1] == "namespaces"}
        self.assertEqual(mine, {("", "namespaces", "list"), ("", "namespaces", "watch")})
        self.assertEqual(mine - used, set(), "granted without use")


class RoleOfOneNamespaceTest(AsDeployed):
    overlay = "one-namespace"

    def test_a_role_is_enough_to_serve_one_namespace(self):
        self.assertEqual(deployment.of_kind(self.objects, "ClusterRole", "ClusterRoleBinding"), [])
        self.use_everything("fairlead", class_name=None, annotations={"kubernetes.io/ingress.class": "fairlead"})
        forbidden = {asked(call) for call in self.calls() if call["responseStatus"]["code"] == 403}
        self.assertEqual(forbidden - CLUSTER_WIDE, set())

    def test_ingresses_of_other_namespaces_are_not_served(self):
        self.use_everything("fairlead", class_name=None, annotations={"kubernetes.io/ingress.class": "fairlead"})
        other = self.serve("other", self.pod("other"), class_name=None, annotations={"kubernetes.io/ingress.class": "fairlead"})
        self.assertEqual(self.fairlead.get(other).status, 404)


if __name__ == "__main__":
    unittest.main()
