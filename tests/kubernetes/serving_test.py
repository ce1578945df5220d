"""Ingresses, endpoints and certificates, as kubectl makes and changes them."""
import base64
import unittest

from support import certificates, objects
from support.case import KubernetesCase
from support.waiting import eventually

SHORT = 2.0  # seconds from kubectl's end to the first request that is served by the change


class ServingTest(KubernetesCase):
    def test_an_ingress_is_served_within_a_short_time(self):
        host = self.serve("created", self.pod("created"))
        self.fairlead.answers(host, "pod created", seconds=SHORT)

    def test_an_edited_path_is_served_and_the_old_one_is_not(self):
        host = self.serve("edited", self.pod("edited"), path="/old")
        self.fairlead.answers(host, "pod edited /old", path="/old")
        patch = '[{"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": "/new"}]'
        self.cluster.kubectl("patch", "ingress", "edited", "-n", self.ns, "--type=json", "-p", patch)
        self.fairlead.answers(host, "pod edited /new", path="/new", seconds=SHORT)
        self.assertEqual(self.fairlead.get(host, "/old").status, 404)

    def test_an_annotation_that_is_added_takes_effect(self):
        host = self.served("annotated")
        self.cluster.kubectl("annotate", "ingress", "annotated", "-n", self.ns,
                             "nginx.ingress.kubernetes.io/permanent-redirect=https://elsewhere.example.com/")
        self.fairlead.answers_status(host, 301, seconds=SHORT)

    def test_a_deleted_ingress_is_no_longer_served(self):
        host = self.served("deleted")
        self.cluster.kubectl("delete", "ingress", "deleted", "-n", self.ns)
        self.fairlead.answers_status(host, 404, seconds=SHORT)

    def test_an_ingress_of_another_controller_is_left_alone(self):
        other = objects.ingress_class("other")
        other["spec"]["controller"] = "example.com/other"
        self.cluster.apply(other)
        host = self.serve("others", self.pod("others"), class_name="other")
        self.served("ours")  # so the earlier one was heard too
        self.assertEqual(self.fairlead.get(host).status, 404)

    def test_an_ingress_of_a_class_that_comes_later_is_served_then(self):
        host = self.serve("early", self.pod("early"), class_name="late")
        eventually(lambda: self.fairlead.problem_with("late"), "the missing class is a Problem")
        self.cluster.apply(objects.ingress_class("late"))
        self.fairlead.answers(host, "pod early", seconds=SHORT)


class EndpointsTest(KubernetesCase):
    def test_requests_follow_the_endpoint_slice(self):
        host = self.served("moved")
        self.cluster.apply(objects.endpoint_slice(self.ns, "moved", self.pod("successor")))
        self.fairlead.answers(host, "pod successor", seconds=SHORT)

    def test_a_service_whose_last_endpoint_goes_answers_503_and_recovers(self):
        pod = self.pod("only")
        host = self.serve("emptied", pod)
        self.fairlead.answers(host, "pod only")
        self.cluster.apply(objects.endpoint_slice(self.ns, "emptied"))
        self.fairlead.answers_status(host, 503, seconds=SHORT)
        self.cluster.apply(objects.endpoint_slice(self.ns, "emptied", pod))
        self.fairlead.answers(host, "pod only", seconds=SHORT)

    def test_endpoints_that_are_not_ready_get_no_request(self):
        waiting = objects.endpoint_slice(self.ns, "started", self.pod("waiting"), suffix="b")
        waiting["endpoints"][0]["conditions"] = {"ready": False, "serving": False}
        self.cluster.apply(waiting)
        host = self.served("started")
        bodies = {self.fairlead.get(host).body for _ in range(20)}
        self.assertEqual(bodies, {"pod started /\n"})

    def test_all_slices_of_a_service_are_used(self):
        host = self.served("many")
        self.cluster.apply(objects.endpoint_slice(self.ns, "many", self.pod("second"), suffix="b"))
        self.fairlead.answers(host, "pod second", seconds=SHORT)
        self.fairlead.answers(host, "pod many", seconds=SHORT)


class CertificateTest(KubernetesCase):
    def secret(self, name, host, made):
        certificates.self_signed(self.folder, made, f"/CN={made}", f"DNS:{host}")
        certificate = self.folder / f"{made}.crt"
        der = certificates.openssl("x509", "-in", certificate, "-outform", "DER")
        return objects.tls_secret(self.ns, name, certificate, self.folder / f"{made}.key"), der

    def presents(self, host, der):
        eventually(lambda: self.fairlead.certificate_of(host) == der, f"{host} presents the certificate of its Secret", SHORT)

    def test_a_rotated_secret_is_presented_to_the_next_client(self):
        first, first_der = self.secret("rotated-tls", self.host("rotated"), "first")
        second, second_der = self.secret("rotated-tls", self.host("rotated"), "second")
        self.cluster.apply(first)
        host = self.serve("rotated", self.pod("rotated"), secret="rotated-tls")
        self.presents(host, first_der)
        self.cluster.apply(second)
        self.presents(host, second_der)

    def test_a_secret_that_comes_after_its_ingress_is_presented_then(self):
        host = self.serve("awaited", self.pod("awaited"), secret="awaited-tls")
        eventually(lambda: self.fairlead.problem_with("awaited-tls"), "the missing Secret is a Problem")
        secret, der = self.secret("awaited-tls", host, "awaited")
        self.cluster.apply(secret)
        self.presents(host, der)

    def test_a_deleted_secret_is_a_problem_and_its_certificate_no_longer_presented(self):
        secret, der = self.secret("lost-tls", self.host("lost"), "lost")
        self.cluster.apply(secret)
        host = self.serve("lost", self.pod("lost"), secret="lost-tls")
        self.presents(host, der)
        self.cluster.kubectl("delete", "secret", "lost-tls", "-n", self.ns)
        eventually(lambda: self.fairlead.problem_with("lost-tls"), "the missing Secret is a Problem")
        eventually(lambda: self.fairlead.certificate_of(host) != der, "another certificate is presented", SHORT)

    def test_a_secret_that_became_useless_keeps_its_last_certificate(self):
        secret, der = self.secret("spoilt-tls", self.host("spoilt"), "spoilt")
        self.cluster.apply(secret)
        host = self.serve("spoilt", self.pod("spoilt"), secret="spoilt-tls")
        self.presents(host, der)
        secret["data"]["tls.crt"] = base64.b64encode(b"no certificate").decode()
        self.cluster.apply(secret)
        eventually(lambda: self.fairlead.problem_with("spoilt-tls"), "the useless Secret is a Problem")
        self.assertEqual(self.fairlead.certificate_of(host), der)


if __name__ == "__main__":
    unittest.main()
