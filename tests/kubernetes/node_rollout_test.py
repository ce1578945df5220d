"""Rollouts under load: of a backend, and of Fairlead itself. No request is lost."""
import json
import sys
import time
import unittest

from support.load import KINDS, SLOW, Load
from support.namespaces import NODE
from support.node_case import NodeCase, installation
from support.waiting import eventually

ROLLOUTS = 20
FEW_ROLLOUTS = 5  # where the same was shown often enough
MOST_SECONDS_TO_END = 60  # of a pod of Fairlead: 10 s unready, then its idle connections


class RolloutTest(NodeCase):
    def pods(self, ns, selector):
        return set(self.cluster.kubectl("get", "pods", "--namespace", ns, "--selector", selector, "-o", "name").split())

    def under_load(self, host, change, kinds=KINDS):
        """Does it while clients ask for the host; none of them may fail."""
        self.echoed(host, address=NODE, port=30080)
        began = time.monotonic()
        with Load(NODE, 30080, 30443, host, kinds) as load:
            load.goes_on(requests=2)
            change()
            load.goes_on(requests=2)
        seconds = time.monotonic() - began
        print(f"{load.count} requests in {seconds:.0f} s, {len(load.errors)} failed", file=sys.stderr)
        self.assertEqual(load.errors, [])

    def roll_backend(self, name, times):
        for number in range(times):
            patch = {"spec": {"template": {"metadata": {"annotations": {"rollout": str(number)}}}}}
            self.cluster.kubectl("patch", "deployment", name, "--namespace", self.ns, "-p", json.dumps(patch))
            self.rolled_out(f"deployment/{name}")

    def test_no_request_is_lost_when_pods_wait_before_they_stop(self):
        host = self.serve("waiting", replicas=2, stop_after=2)
        self.under_load(host, lambda: self.roll_backend("waiting", ROLLOUTS))

    def test_no_request_is_lost_when_pods_go_on_for_a_while_after_the_signal(self):
        host = self.serve("draining", replicas=2, environment={"DRAIN": "2s"})
        self.under_load(host, lambda: self.roll_backend("draining", FEW_ROLLOUTS))

    def restart_fairlead(self):
        selector = "app.kubernetes.io/component=controller"
        old = self.pods("fairlead", selector)
        self.cluster.kubectl("rollout", "restart", "deployment/fairlead", "--namespace=fairlead")
        installation().is_rolled_out()
        eventually(lambda: not old & self.pods("fairlead", selector), "the old pods have ended", MOST_SECONDS_TO_END)

    def test_no_request_is_lost_when_fairlead_itself_is_restarted(self):
        self.under_load(self.serve("steady", replicas=2), self.restart_fairlead, KINDS + SLOW)


if __name__ == "__main__":
    unittest.main()
