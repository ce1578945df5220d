"""Nothing of a node is left when the tests that made it are killed."""
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from support import cgroup, namespaces
from support.fairlead import program
from support.node_case import NodeCase
from support.process import children, runs
from support.waiting import eventually

RUN = Path(__file__).resolve().parent / "run"
MOST_SECONDS_TO_START = 120


class NodeUntilKilled(NodeCase):
    """What the tests below start, and kill."""

    def until_killed(self):
        self.serve("web")
        print("serving in", cgroup.name_of_run(), file=sys.stderr, flush=True)
        while True:
            signal.pause()


def comm(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def descendants(pid):
    found = children(pid)
    return found + [further for child in found for further in descendants(child)]


def machine_settings():
    return {name: Path(f"/proc/sys/{name}").read_text() for name in namespaces.MACHINE_SETTINGS}


class CleanUpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = namespaces.missing()
        if reason:
            raise unittest.SkipTest("no node: " + reason)

    def start(self):
        """Another run of tests, once a pod serves on its node; the process that holds its namespaces, and its control group."""
        tests = subprocess.Popen([RUN, "node_cleanup_test.NodeUntilKilled.until_killed"], stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "FAIRLEAD": str(program())})
        self.addCleanup(tests.stderr.close)
        self.addCleanup(tests.wait)
        self.addCleanup(tests.kill)
        self.addCleanup(signal.alarm, 0)
        signal.alarm(MOST_SECONDS_TO_START)
        for line in tests.stderr:
            if line.startswith("serving in "):
                return tests.pid, line.split()[-1]
        self.fail("the node did not start")

    def nothing_is_left_after_killing(self, choose):
        settings, mounts = machine_settings(), Path("/proc/self/mountinfo").read_text()
        holder, group = self.start()
        everything = [holder, *descendants(holder)]
        names = set(map(comm, everything))
        self.assertLessEqual({"kubelet", "containerd", "kube-proxy", "kube-apiserver", "fairlead"}, names)
        self.assertTrue(any(folder.exists() for folder in cgroup.folders(group)))
        os.kill(choose(holder), signal.SIGKILL)
        eventually(lambda: not any(map(runs, everything)), "every process is gone", 30)
        is_gone = lambda: not any(folder.exists() for folder in cgroup.folders(group))
        eventually(is_gone, "the control group is gone", 30)
        self.assertEqual(machine_settings(), settings)
        self.assertEqual(Path("/proc/self/mountinfo").read_text(), mounts)

    def test_when_the_tests_are_killed(self):
        is_python = lambda pid: comm(pid).startswith("python")
        self.nothing_is_left_after_killing(lambda holder: next(filter(is_python, children(holder))))

    def test_when_what_holds_their_namespaces_is_killed(self):
        self.nothing_is_left_after_killing(lambda holder: holder)


if __name__ == "__main__":
    unittest.main()
