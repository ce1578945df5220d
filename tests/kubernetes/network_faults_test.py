"""The network between Fairlead and the API server is cut without a word, and what happens behind it is one change."""
import unittest

from support import certificates, objects
from support.case import KubernetesCase
from support.link import Link
from support.traffic import Traffic
from support.waiting import eventually


class BehindALink(KubernetesCase):
    """Fairlead hears the API server through a link of its own; kubectl does not."""

    @classmethod
    def start_fairlead(cls):
        cls.link = Link(cls.cluster.port("api"))
        cls.addClassCleanup(cls.link.stop)
        cls.fairlead.start(f"--kubeconfig={cls.cluster.kubeconfig_through(cls.link.address, cls.ns)}", "--enable-metrics")

    def setUp(self):
        self.addCleanup(self.cluster.mend)
        self.addCleanup(self.link.mend)
        self.addCleanup(self.link.drop)


class NetworkCutTest(BehindALink):
    def test_a_peer_that_vanished_is_noticed_and_costs_no_request(self):
        host = self.served("cut")
        successor = self.pod("cut-successor")
        with Traffic(self.fairlead, host) as traffic:
            self.link.cut()
            self.cluster.apply(objects.endpoint_slice(self.ns, "cut", successor))
            eventually(lambda: self.fairlead.problem_with("ingresses"), "the silence is a Problem", seconds=100)
            self.assertTrue(self.fairlead.ready(), "it became unready")
            self.assertGreater(self.fairlead.contact_age(), 20)
            self.link.mend()
            self.fairlead.answers(host, "pod cut-successor", seconds=60)
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])
        eventually(lambda: self.fairlead.contact_age() < 10, "the contact is a fresh one")
        eventually(lambda: not self.fairlead.problem_with("ingresses"), "the Problem is gone")


class OneSwapTest(BehindALink):
    def test_what_changed_during_an_outage_is_one_swap(self):
        old, kept = self.served("old"), self.served("kept")
        pod = self.pod("new")
        with Traffic(self.fairlead, kept) as traffic:
            self.link.hold()
            self.cluster.kubectl("delete", "ingress", "old", "-n", self.ns)
            new = self.serve("new", pod)
            self.cluster.compact()
            self.cluster.restart_api_server()  # it forgets what its clients have missed: they must list
            self.link.drop()
            seen = self.watch_the_change(old, new)
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])
        # Between the two requests of one look the swap may happen once: the old one answered before it, the new one after it.
        self.assertLessEqual(set(seen), {(200, 404), (200, 200), (404, 200)}, "there was a state between the old and the new")
        self.assertLessEqual(seen.count((200, 200)), 1, "both were served")

    def watch_the_change(self, old, new):
        """Answers of both hosts, the old one first, until the new one is served."""
        seen = []
        eventually(lambda: self.note(seen, old, new)[1] == 200, "the new Ingress is served", seconds=90)
        return seen

    def note(self, seen, old, new):
        seen.append((self.fairlead.get(old).status, self.fairlead.get(new).status))
        return seen[-1]


class CertificateOfTheServerTest(KubernetesCase):
    def setUp(self):
        self.addCleanup(self.back_to_the_first)

    def back_to_the_first(self):
        self.cluster.new_certificate()
        self.cluster.restart_api_server()

    def test_a_new_certificate_of_the_same_authority_is_trusted(self):
        host = self.served("same-authority")
        with Traffic(self.fairlead, host) as traffic:
            self.cluster.new_certificate()
            self.cluster.restart_api_server()
            self.served("after-new-certificate")
        self.assertEqual(traffic.errors, [])

    def test_one_of_another_authority_is_refused_and_what_was_served_is_served_on(self):
        host = self.served("other-authority")
        certificates.self_signed(self.cluster.folder, "stranger", "/CN=stranger")
        self.cluster.new_certificate("stranger")
        with Traffic(self.fairlead, host) as traffic:
            self.cluster.api_server.stop()
            self.cluster.start_api_server(trusted=False)
            eventually(lambda: self.fairlead.problem_with("certificate is not trusted"), "the certificate is a Problem", seconds=60)
            self.assertTrue(self.fairlead.ready(), "it became unready")
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])
        self.assertTrue(self.fairlead.said("error   cannot hear ingresses"), "the log says why nothing is heard")
        self.back_to_the_first()
        self.served("trusted-again")


if __name__ == "__main__":
    unittest.main()
