"""Every way to be somebody at the API server."""
import json
import subprocess
import unittest

from support import certificates, objects
from support.case import KubernetesCase
from support.fairlead import SERVICE_ACCOUNT, program
from support.waiting import eventually


def reader(name):
    """A ClusterRole that may read everything that is watched, bound to a user."""
    return [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": [
            {"apiGroups": ["", "networking.k8s.io", "discovery.k8s.io"],
             "resources": ["services", "secrets", "ingresses", "ingressclasses", "endpointslices"],
             "verbs": ["list", "watch"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
         "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]},
    ]


class ClientCertificateTest(KubernetesCase):
    @classmethod
    def start_fairlead(cls):
        cls.cluster.apply(*reader("certificate-user"))
        cls.fairlead.start(f"--kubeconfig={cls.cluster.certificate_user('certificate-user', 'testers')}")

    def test_a_client_certificate_of_the_kubeconfig_is_presented(self):
        self.served("certified")


class EmbeddedCertificateTest(KubernetesCase):
    @classmethod
    def start_fairlead(cls):
        cls.cluster.apply(*reader("embedded-user"))
        kubeconfig = cls.cluster.certificate_user("embedded-user", "testers")
        flat = cls.cluster.kubectl("config", "view", "--flatten", "--raw", f"--kubeconfig={kubeconfig}")
        embedded = cls.folder / "embedded.kubeconfig"
        embedded.write_text(flat)
        assert "client-key-data" in flat
        cls.fairlead.start(f"--kubeconfig={embedded}")

    def test_a_kubeconfig_that_kubectl_flattened_needs_no_other_file(self):
        self.served("embedded")


class ContextTest(KubernetesCase):
    """A kubeconfig with two contexts, of which the current one leads nowhere."""

    @classmethod
    def start_fairlead(cls):
        kubeconfig = cls.folder / "contexts.kubeconfig"
        config = json.loads(cls.cluster.kubeconfig("admin").read_text())
        config["clusters"][0]["cluster"]["certificate-authority"] = str(cls.cluster.folder / "ca.crt")
        config["clusters"].append({"name": "away", "cluster": {"server": "https://127.0.0.1:1"}})
        config["contexts"].append({"name": "away", "context": {"cluster": "away", "user": "admin"}})
        config["current-context"] = "away"
        kubeconfig.write_text(json.dumps(config))
        cls.fairlead.start(f"--kubeconfig={kubeconfig}", "--kubeconfig-context=test")

    def test_the_context_that_is_named_is_used(self):
        self.served("context")


class PluginTest(KubernetesCase):
    def refusal(self, user):
        kubeconfig = self.folder / "plugin.kubeconfig"
        config = json.loads(self.cluster.kubeconfig("admin").read_text())
        config["clusters"][0]["cluster"]["certificate-authority"] = str(self.cluster.folder / "ca.crt")
        config["users"][0]["user"] = user
        kubeconfig.write_text(json.dumps(config))
        done = subprocess.run([program(), f"--kubeconfig={kubeconfig}", "--http-port=0", "--https-port=0", "--healthz-port=0"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stdout + done.stderr

    def test_credentials_that_another_program_would_have_to_make_are_refused(self):
        for kind, user in [("exec", {"exec": {"command": "cloud-login", "apiVersion": "client.authentication.k8s.io/v1"}}),
                           ("auth-provider", {"auth-provider": {"name": "oidc"}})]:
            with self.subTest(kind=kind):
                said = self.refusal(user)
                self.assertIn(f"has '{kind}' credentials for user 'admin'", said)
                self.assertIn("use a token, a tokenFile or a client certificate", said)


class TokenRotationTest(KubernetesCase):
    @classmethod
    def start_fairlead(cls):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "rotating", "namespace": cls.ns}}
        user = f"system:serviceaccount:{cls.ns}:rotating"
        role, binding = reader(f"rotating-{cls.ns}")
        binding["subjects"][0]["name"] = user
        cls.user = user
        cls.cluster.apply(account, role, binding)
        cls.fairlead.start_in_cluster(cls.cluster, cls.new_token())

    @classmethod
    def new_token(cls):
        return cls.cluster.service_account_token(cls.ns, "rotating")

    def used_tokens(self):
        key = "authentication.kubernetes.io/credential-id"
        return {event["user"].get("extra", {}).get(key, [""])[0] for event in self.cluster.audited(self.user)}

    def test_a_token_that_kubelet_replaced_is_used_for_the_next_request(self):
        self.served("before")
        before = self.used_tokens()
        # As kubelet does it: written beside, then renamed.
        fresh = SERVICE_ACCOUNT / "token.new"
        fresh.write_text(self.new_token())
        fresh.rename(SERVICE_ACCOUNT / "token")
        self.cluster.restart_api_server()  # cuts the watches, so that there are new requests
        self.served("after")
        eventually(lambda: self.used_tokens() - before, "the new token was presented")
        # An API server that has just started forbids (403) until it has read its roles.
        refused = [event for event in self.cluster.audited(self.user) if event["responseStatus"]["code"] >= 400
                   and event["responseStatus"]["code"] not in (403, 410, 504)]
        self.assertEqual(refused, [])


if __name__ == "__main__":
    unittest.main()
