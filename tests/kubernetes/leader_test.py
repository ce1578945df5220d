"""Of several replicas one writes; when it is killed another goes on. And a clock that jumps harms nobody."""
import json
import signal
import time
import unittest
from email.utils import parsedate_to_datetime

from support import objects
from support.case import KubernetesCase
from support.fairlead import Fairlead
from support.traffic import Traffic
from support.waiting import eventually

ADDRESS = "192.0.2.7"
FAKE_TIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class ReplicatedCase(KubernetesCase):
    def addresses(self, ingress):
        made = json.loads(self.cluster.kubectl("get", "ingress", ingress, "-n", self.ns, "-o", "json"))
        return [entry.get("ip") for entry in made["status"].get("loadBalancer", {}).get("ingress", [])]

    def gets_its_address(self, name, seconds=15.0):
        """A new Ingress, until somebody has written its status."""
        self.cluster.apply(objects.service(self.ns, name), objects.ingress(self.ns, name, self.host(name), name))
        eventually(lambda: self.addresses(name) == [ADDRESS], f"{name} gets its address", seconds)

    @staticmethod
    def leads(fairlead):
        lines = fairlead.page("/metrics").body.splitlines()
        return any(line.startswith("nginx_ingress_controller_leader_election_status{") and line.endswith(" 1") for line in lines)

    @classmethod
    def flags(cls):
        return [f"--kubeconfig={cls.cluster.kubeconfig('admin')}", f"--watch-namespace={cls.ns}", "--election-ttl=3s",
                f"--publish-status-address={ADDRESS}", "--update-status-on-shutdown=false"]


class LeaderTest(ReplicatedCase):
    @classmethod
    def start_fairlead(cls):
        """The replicas are started by the test."""
        cls.fairlead.start(f"--kubeconfig={cls.cluster.kubeconfig('admin')}", f"--watch-namespace={cls.ns}", "--update-status=false",
                           environment={"POD_NAMESPACE": cls.ns, "POD_NAME": "observer"})

    def replica(self, name):
        replica = Fairlead(self.folder, name)
        self.addCleanup(replica.stop)
        replica.start(*self.flags(), "--election-id=three", environment={"POD_NAMESPACE": self.ns, "POD_NAME": name})
        replica.becomes_ready()
        return replica

    def holder(self):
        return self.cluster.kubectl("get", "lease", "three", "-n", self.ns, "-o", "jsonpath={.spec.holderIdentity}")

    def test_leaders_that_are_killed_in_turn_are_followed_by_another(self):
        replicas = {name: self.replica(name) for name in ("one", "two", "three")}
        killed = []
        for turn in range(3):
            eventually(lambda: sum(map(self.leads, replicas.values())) == 1, "one of them leads")
            self.gets_its_address(f"written-{turn}")
            (leader,) = [name for name, replica in replicas.items() if self.leads(replica)]
            self.assertTrue(self.holder().startswith(leader), self.holder())
            replicas.pop(leader).process.stop(signal.SIGKILL)
            killed.append(leader)
            if replicas:
                eventually(lambda: any(map(self.leads, replicas.values())), "another one leads")
                self.assertFalse(self.holder().startswith(leader))
        self.assertEqual(len(set(killed)), 3)


class ClockTest(ReplicatedCase):
    """The wall clock of the program is a day ahead, and then back again; its steady clock goes on."""

    @classmethod
    def start_fairlead(cls):
        cls.clock = cls.folder / "clock"
        cls.clock.write_text("+0")
        cls.fairlead.start(*cls.flags(), environment={
            "POD_NAMESPACE": cls.ns, "POD_NAME": "jumper", "LD_PRELOAD": FAKE_TIME, "FAKETIME_TIMESTAMP_FILE": str(cls.clock),
            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def test_changes_are_heard_and_written_while_the_clock_jumps(self):
        host = self.served("steady")
        self.gets_its_address("before")
        with Traffic(self.fairlead, host) as traffic:
            for turn, shift in enumerate(["+86400", "+0", "+3600"]):
                self.clock.write_text(shift)
                self.served(f"shifted-{turn}")
                self.gets_its_address(f"written-{turn}")
                self.assertTrue(self.fairlead.ready())
                self.assertTrue(self.leads(self.fairlead), "it lost its Lease by the wall clock")
            traffic.goes_on()
        self.assertEqual(traffic.errors, [])
        ahead = self.cluster.kubectl("get", "lease", "-n", self.ns, "-o", "jsonpath={.items[0].spec.acquireTime}")
        self.assertTrue(ahead, "there is no Lease")

    def test_the_clock_is_really_another(self):
        self.clock.write_text("+86400")
        self.addCleanup(self.clock.write_text, "+0")
        shown = lambda: parsedate_to_datetime(self.fairlead.get(self.host("unknown")).headers["Date"]).timestamp()
        eventually(lambda: shown() > time.time() + 80000, "its Date is of tomorrow")


if __name__ == "__main__":
    unittest.main()
