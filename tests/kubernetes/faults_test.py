"""The control plane goes away, hangs and comes back: what was served is served on, and what changed meanwhile is applied."""
import signal
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import objects
from support.case import KubernetesCase
from support.traffic import Traffic


class FaultsTest(KubernetesCase):
    def setUp(self):
        # However a test ends, the next one finds a control plane that works.
        self.addCleanup(self.cluster.mend)

    def unharmed(self, name, fault):
        """Requests go on during fault(), then a change is made: no request fails, and the change is heard."""
        host = self.served(name)
        with Traffic(self.fairlead, host) as traffic:
            fault()
            self.assertTrue(self.fairlead.ready(), "it became unready")
            self.served(f"{name}-late")
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])

    def while_away(self, host):
        """What holds while there is no API server."""
        for _ in range(20):
            self.assertEqual(self.fairlead.get(host).status, 200)
        self.assertTrue(self.fairlead.ready())

    def test_an_api_server_that_is_killed_and_has_forgotten_old_versions_costs_no_request(self):
        def fault():
            self.cluster.compact()
            self.cluster.restart_api_server()
        self.unharmed("killed", fault)

    def test_an_api_server_that_is_stopped_in_order_costs_no_request(self):
        self.unharmed("ended", lambda: self.cluster.restart_api_server(number=signal.SIGTERM))

    def test_an_etcd_that_is_killed_and_started_costs_no_request(self):
        self.unharmed("etcd", self.cluster.restart_etcd)

    def test_what_changed_behind_a_hung_api_server_is_applied_when_it_wakes(self):
        host = self.served("hung")
        successor = self.pod("hung-successor")
        self.cluster.api_server.send(signal.SIGSTOP)
        with Traffic(self.fairlead, host) as traffic:
            self.while_away(host)
            self.cluster.api_server.send(signal.SIGCONT)
            self.cluster.apply(objects.endpoint_slice(self.ns, "hung", successor))
            self.fairlead.answers(host, "pod hung-successor")
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])

    def test_what_was_deleted_while_the_watch_was_cut_is_gone_afterwards(self):
        gone, kept = self.served("gone"), self.served("kept")
        self.fairlead.process.send(signal.SIGSTOP)
        self.cluster.kubectl("delete", "ingress", "gone", "-n", self.ns)
        self.cluster.compact()
        self.cluster.restart_api_server()
        self.fairlead.process.send(signal.SIGCONT)
        self.fairlead.answers_status(gone, 404)
        self.assertEqual(self.fairlead.get(kept).status, 200)

    def test_an_api_server_that_streams_no_lists_is_asked_for_pages(self):
        host = self.served("pages")
        with Traffic(self.fairlead, host) as traffic:
            self.addCleanup(self.cluster.restart_api_server)
            self.cluster.compact()
            self.cluster.restart_api_server("--feature-gates=WatchList=false")
            self.served("pages-late")
            self.another_fairlead("in-pages").becomes_ready()
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])
        self.assertFalse(self.fairlead.problem_with("the API server refuses"), "that it streams none is no Problem")

    def test_a_start_without_an_api_server_waits_for_it_and_never_answers_404(self):
        host = self.served("early")
        self.cluster.api_server.stop()
        late = self.another_fairlead("late")
        self.assertFalse(late.ready())
        with ThreadPoolExecutor() as pool:
            early = pool.submit(late.get, host, seconds=60)
            self.cluster.start_api_server()
            late.becomes_ready(seconds=60)
            self.assertNotEqual(early.result().status, 404)
        self.assertEqual(late.get(host).status, 200)


if __name__ == "__main__":
    unittest.main()
