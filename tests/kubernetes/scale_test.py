"""Many Ingresses: time to ready, time of a change, memory. FAIRLEAD_TEST_INGRESSES says how many (2000).

The figures go to standard error; the bounds are wide, so that a busy machine does not fail them.
"""
import json
import os
import statistics
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import objects
from support.case import KubernetesCase

COUNT = int(os.environ.get("FAIRLEAD_TEST_INGRESSES", "2000"))
CREATORS = 4
CHANGES = 20


class ScaleTest(KubernetesCase):
    def create_all(self):
        """Ingresses of one Service, straight into the API: kubectl would take minutes."""
        target = f"/apis/networking.k8s.io/v1/namespaces/{self.ns}/ingresses"

        def create(numbers):
            with self.cluster.session() as session:
                for number in numbers:
                    one = objects.ingress(self.ns, f"many-{number}", self.host(f"many-{number}"), "many")
                    session.post(target, json.dumps(one))

        with ThreadPoolExecutor(CREATORS) as pool:
            list(pool.map(create, [range(first, COUNT, CREATORS) for first in range(CREATORS)]))

    def seconds_of_a_change(self, number):
        path = f"/changed-{number}"
        patch = json.dumps([{"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": path}])
        target = f"/apis/networking.k8s.io/v1/namespaces/{self.ns}/ingresses/many-{number}"
        with self.cluster.session() as session:
            began = time.monotonic()
            session.patch(target, patch)
            self.fairlead.answers(self.host(f"many-{number}"), f"pod many {path}", path=path)
            return time.monotonic() - began

    def test_many_ingresses_are_served_soon_in_little_memory(self):
        self.cluster.apply(objects.service(self.ns, "many"), objects.endpoint_slice(self.ns, "many", self.pod("many")))
        began = time.monotonic()
        self.create_all()
        created = time.monotonic() - began
        last = self.host(f"many-{COUNT - 1}")
        behind = self.fairlead.answers(last, "pod many", seconds=30)
        second = self.another_fairlead("second")
        began = time.monotonic()
        second.becomes_ready(seconds=60)
        ready = time.monotonic() - began
        self.assertEqual(second.get(last).status, 200)
        changes = sorted(self.seconds_of_a_change(number) for number in range(0, COUNT, COUNT // CHANGES))
        memory = second.resident_mib()
        print(f"{COUNT} Ingresses: made in {created:.1f} s, the last one served {behind:.2f} s later; a start is ready in "
              f"{ready:.2f} s with {memory:.0f} MiB; a change is served in {statistics.median(changes) * 1000:.0f} ms "
              f"(median), {changes[-1] * 1000:.0f} ms (slowest of {len(changes)})", file=sys.stderr)
        self.assertLess(ready, 20)
        self.assertLess(statistics.median(changes), 1)
        self.assertLess(memory, 40 + COUNT / 100)


if __name__ == "__main__":
    unittest.main()
