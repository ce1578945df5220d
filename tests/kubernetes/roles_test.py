"""Fairlead with exactly the rights that deploy/ grants: no call is forbidden, and no right is without use."""
import unittest

from support import certificates, deployment, objects
from support.case import KubernetesCase
from support.waiting import eventually

# Rights that deploy/ grants and that these tests give no occasion to use; whoever adds the occasion takes the line out.
UNUSED = {
    ("networking.k8s.io", "ingresses/status", "get"),
    ("networking.k8s.io", "ingresses/status", "patch"),
    *(("", "events", verb) for verb in ["create", "patch"]),
    *(("coordination.k8s.io", "leases", verb) for verb in ["get", "create", "update"]),
    *(("", "pods", verb) for verb in ["get", "list", "watch"]),
    ("", "nodes", "get"),
}
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
        cls.addClassCleanup(cls.withdraw_rights)
        args = deployment.container_args(deployment.the(cls.objects, "Deployment"))
        flags = [flag for flag in args if "grace-period" not in flag]
        cls.seen = len(cls.cluster.audited(ACCOUNT))
        token = cls.cluster.service_account_token("fairlead", "fairlead")
        cls.fairlead.start_in_cluster(cls.cluster, token, *flags)

    @classmethod
    def withdraw_rights(cls):
        for role in deployment.of_kind(cls.objects, "ClusterRoleBinding", "ClusterRole", "RoleBinding", "Role"):
            place = ["-n", role["metadata"]["namespace"]] if "namespace" in role["metadata"] else []
            cls.cluster.kubectl("delete", role["kind"], role["metadata"]["name"], *place)

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


class ClusterRoleTest(AsDeployed):
    overlay = "nodeport"

    def test_no_call_is_forbidden_and_no_right_is_without_use(self):
        self.use_everything(self.ns)
        calls = self.calls()
        self.assertEqual([asked(call) for call in calls if call["responseStatus"]["code"] in (401, 403)], [])
        rights = granted(deployment.of_kind(self.objects, "ClusterRole", "Role"))
        self.assertEqual(rights - {asked(call) for call in calls} - UNUSED, set(), "granted without use")

    def test_secrets_are_asked_for_by_name_only(self):
        self.use_everything(self.ns)
        named = [call["objectRef"].get("name") for call in self.calls() if call["objectRef"]["resource"] == "secrets"]
        self.assertEqual(set(named), {"secure-tls"})


class RoleOfOneNamespaceTest(AsDeployed):
    overlay = "one-namespace"

    def test_a_role_is_enough_to_serve_one_namespace(self):
        self.assertEqual(deployment.of_kind(self.objects, "ClusterRole", "ClusterRoleBinding"), [])
        self.use_everything("fairlead", class_name=None, annotations={"kubernetes.io/ingress.class": "fairlead"})
        forbidden = {asked(call) for call in self.calls() if call["responseStatus"]["code"] == 403}
        self.assertEqual(forbidden - {("networking.k8s.io", "ingressclasses", "list")}, set())

    def test_ingresses_of_other_namespaces_are_not_served(self):
        self.use_everything("fairlead", class_name=None, annotations={"kubernetes.io/ingress.class": "fairlead"})
        other = self.serve("other", self.pod("other"), class_name=None, annotations={"kubernetes.io/ingress.class": "fairlead"})
        self.assertEqual(self.fairlead.get(other).status, 404)


if __name__ == "__main__":
    unittest.main()
