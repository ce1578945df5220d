"""cert-manager's HTTP-01 way: the Ingress of a solver answers by http for a host whose other paths redirect to https."""
import unittest

from support import certificates, objects
from support.case import KubernetesCase
from support.waiting import eventually

TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
CHALLENGE = f"/.well-known/acme-challenge/{TOKEN}"
SOLVER_PORT = 8089


def solver_service(ns, name):
    made = objects.service(ns, name)
    made["spec"].update(type="NodePort", ports=[{"name": "http", "port": SOLVER_PORT, "targetPort": SOLVER_PORT}])
    return made


def solver_ingress(ns, name, host, class_name=None, class_annotation=None):
    """As cert-manager makes it: by `class` of the issuer with the annotation, by `ingressClassName` with the field."""
    made = objects.ingress(ns, name, host, name, class_name=class_name,
                           annotations={"nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0"})
    if class_annotation:
        made["metadata"]["annotations"]["kubernetes.io/ingress.class"] = class_annotation
    backend = {"service": {"name": name, "port": {"number": SOLVER_PORT}}}
    made["spec"]["rules"][0]["http"]["paths"] = [{"path": CHALLENGE, "pathType": "ImplementationSpecific", "backend": backend}]
    return made


class CertificateManagerTest(KubernetesCase):
    def site(self, name, **annotations):
        """A host that redirects to https, since its Ingress awaits a certificate."""
        prefixed = {f"nginx.ingress.kubernetes.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
        host = self.serve(name, self.pod(name), secret=f"{name}-tls", annotations=prefixed)
        self.fairlead.answers_status(host, 308)
        return host

    def solve(self, host, name, **how):
        self.cluster.apply(solver_service(self.ns, name), objects.endpoint_slice(self.ns, name, self.pod(name)),
                           solver_ingress(self.ns, name, host, **how))
        self.fairlead.answers(host, f"pod {name} {CHALLENGE}", path=CHALLENGE)

    def test_a_solver_chosen_by_class_name_is_reached(self):
        host = self.site("named")
        self.solve(host, "named-solver", class_name="fairlead")
        self.assertEqual(self.fairlead.get(host).status, 308)

    def test_a_solver_chosen_by_the_annotation_is_reached(self):
        host = self.site("annotated")
        self.solve(host, "annotated-solver", class_annotation="nginx")
        self.assertEqual(self.fairlead.get(host).status, 308)

    def test_a_solver_is_reached_where_every_other_path_is_a_regex_or_guarded(self):
        host = self.site("guarded", use_regex="true", force_ssl_redirect="true", whitelist_source_range="192.0.2.0/24")
        self.solve(host, "guarded-solver", class_name="fairlead")

    def test_a_path_that_is_edited_into_the_ingress_itself_is_reached(self):
        host = self.site("edited")
        self.cluster.apply(solver_service(self.ns, "edited-solver"),
                           objects.endpoint_slice(self.ns, "edited-solver", self.pod("edited-solver")))
        made = objects.ingress(self.ns, "edited", host, "edited", secret="edited-tls")
        challenge = solver_ingress(self.ns, "edited-solver", host)["spec"]["rules"][0]["http"]["paths"][0]
        made["spec"]["rules"][0]["http"]["paths"].append(challenge)
        self.cluster.apply(made)
        self.fairlead.answers(host, f"pod edited-solver {CHALLENGE}", path=CHALLENGE)

    def test_from_challenge_to_certificate_the_site_is_never_down(self):
        host = self.site("whole")
        self.solve(host, "whole-solver", class_name="fairlead")
        certificates.self_signed(self.folder, "issued", "/CN=issued", f"DNS:{host}")
        self.cluster.apply(objects.tls_secret(self.ns, "whole-tls", self.folder / "issued.crt", self.folder / "issued.key"))
        issued = certificates.openssl("x509", "-in", self.folder / "issued.crt", "-outform", "DER")
        eventually(lambda: self.fairlead.certificate_of(host) == issued, "the certificate that was issued is presented")
        self.cluster.kubectl("delete", "ingress/whole-solver", "service/whole-solver", "-n", self.ns)
        self.fairlead.answers_status(host, 308, path=CHALLENGE)  # the site's own path again
        self.assertEqual(self.fairlead.certificate_of(host), issued)


if __name__ == "__main__":
    unittest.main()
