"""Many Ingresses: time to ready, time of a change, memory, requests to the API server. FAIRLEAD_TEST_INGRESSES says how many (2000).

The figures go to standard error; the bounds are wide, so that a busy machine does not fail them. Memory of as many Services
and EndpointSlices: tests/bench/run.
"""
import collections
import json
import os
import statistics
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import objects
from support.case import KubernetesCase
from support.waiting import eventually

COUNT = int(os.environ.get("FAIRLEAD_TEST_INGRESSES", "2000"))
CREATORS = 4
CHANGES = 200
PUBLISHED = "203.0.113.1"
KIB_EACH = 12  # of an Ingress, its status included; above what a program without any takes
MIB_EMPTY = 40
WRITES_PER_SECOND = 100  # of status, as Fairlead limits itself


def say(text):
    print(f"{COUNT} Ingresses: {text}", file=sys.stderr)


class ScaleTest(KubernetesCase):
    """One Fairlead that leads and writes status, with an account of its own whose requests are counted."""

    @classmethod
    def start_fairlead(cls):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "scale", "namespace": cls.ns}}
        cls.user = f"system:serviceaccount:{cls.ns}:scale"
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": cls.ns},
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                   "subjects": [{"kind": "ServiceAccount", "name": "scale", "namespace": cls.ns}]}
        cls.cluster.apply(account, binding)
        cls.fairlead.start_in_cluster(
            cls.cluster, cls.cluster.service_account_token(cls.ns, "scale"), f"--publish-status-address={PUBLISHED}",
            "--disable-sync-events", environment={"POD_NAME": "scale-0", "POD_NAMESPACE": cls.ns})

    @property
    def target(self):
        return f"/apis/networking.k8s.io/v1/namespaces/{self.ns}/ingresses"

    def in_parallel(self, work):
        """work(session, number) for each Ingress, straight into the API: kubectl would take minutes."""
        def some(first):
            with self.cluster.session() as session:
                for number in range(first, COUNT, CREATORS):
                    work(session, number)

        began = time.monotonic()
        with ThreadPoolExecutor(CREATORS) as pool:
            list(pool.map(some, range(CREATORS)))
        return time.monotonic() - began

    def create(self, session, number):
        one = objects.ingress(self.ns, f"many-{number}", self.host(f"many-{number}"), "many")
        session.post(self.target, json.dumps(one))

    def delete(self, session, number):
        session.delete(f"{self.target}/many-{number}")

    def seconds_of_a_change(self, session, number, serial):
        path = f"/changed-{serial}"
        patch = json.dumps([{"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": path}])
        session.patch(f"{self.target}/many-{number}", patch)
        return self.fairlead.answers(self.host(f"many-{number}"), f"pod many {path}", path=path, pause=0.001)

    def status_is_written(self):
        written = self.fairlead.metric('fairlead_status_writes_total{result="written"}') or 0
        return written >= COUNT and self.fairlead.metric("fairlead_status_pending") == 0

    def requests(self):
        """How many of each sort its account has made."""
        counted = collections.Counter()
        for event in self.cluster.audited(self.user):
            what = event["objectRef"]
            if what["resource"] != "leases":
                counted[event["verb"] + " " + "/".join(filter(None, [what["resource"], what.get("subresource")]))] += 1
        return counted

    def test_many_ingresses_are_loaded_edited_and_deleted(self):
        self.cluster.apply(objects.service(self.ns, "many"), objects.endpoint_slice(self.ns, "many", self.pod("many")))
        last = self.host(f"many-{COUNT - 1}")
        self.load(last)
        self.start_another(last)
        self.edit()
        self.remove(last)
        requests = self.requests()
        say("requests made: " + ", ".join(f"{count} {sort}" for sort, count in sorted(requests.items())))
        self.assertLess(requests["patch ingresses/status"], 1.2 * COUNT + CHANGES, "statuses were written more than once")
        self.assertLess(sum(requests.values()) - requests["patch ingresses/status"], 100, "requests without need")

    def load(self, last):
        began = time.monotonic()
        made = self.in_parallel(self.create)
        behind = self.fairlead.answers(last, "pod many", seconds=30)
        eventually(self.status_is_written, "every status is written", seconds=60 + 3 * COUNT / WRITES_PER_SECOND)
        say(f"made in {made:.1f} s, the last one served {behind:.2f} s later, every status written {time.monotonic() - began:.0f} s "
            f"after the first was made; {self.fairlead.resident_mib():.0f} MiB")

    def start_another(self, last):
        second = self.another_fairlead("second")
        began = time.monotonic()
        second.becomes_ready(seconds=60)
        ready = time.monotonic() - began
        self.assertEqual(second.get(last).status, 200)
        memory = second.resident_mib()
        say(f"a start is ready in {ready:.2f} s with {memory:.0f} MiB")
        self.assertLess(ready, 20)
        self.assertLess(memory, MIB_EMPTY + COUNT * KIB_EACH / 1024)
        second.stop()

    def edit(self):
        with self.cluster.session() as session:
            changes = sorted(self.seconds_of_a_change(session, serial * COUNT // CHANGES, serial) for serial in range(CHANGES))
        milliseconds = lambda part: changes[min(len(changes) - 1, int(part * len(changes)))] * 1000
        say(f"a change is served in {milliseconds(0.5):.0f} ms (p50), {milliseconds(0.99):.0f} ms (p99), "
            f"{changes[-1] * 1000:.0f} ms (slowest of {len(changes)})")
        self.assertLess(statistics.median(changes), 1)

    def remove(self, last):
        self.in_parallel(self.delete)
        began = time.monotonic()
        self.fairlead.answers_status(last, 404, seconds=30)
        say(f"deleted, the last one gone {time.monotonic() - began:.2f} s later; {self.fairlead.resident_mib():.0f} MiB")


if __name__ == "__main__":
    unittest.main()
