"""The control group of the node, in all hierarchies of the machine: those of version 1, or the one of version 2.

Control groups are in no namespace: tests/kubernetes/run names one for each run, and removes it when nobody is left.
"""
import os
from pathlib import Path

CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd", "unified")
NEEDED = {"cpu", "cpuset", "memory", "pids"}  # by the kubelet, of version 2
ROOT = Path("/sys/fs/cgroup")


def name_of_run():
    """Empty when the tests were not started by tests/kubernetes/run."""
    return os.environ.get("FAIRLEAD_CGROUP", "")


def _is_version_2():
    return (ROOT / "cgroup.controllers").exists()


def folders(name):
    """One in each hierarchy of version 1, or the one of version 2."""
    if _is_version_2():
        return [ROOT / name]
    return [ROOT / controller / name for controller in CONTROLLERS if (ROOT / controller).is_dir()]


def trouble():
    """Why none can be made here; None when one can."""
    wanted = folders(name_of_run())
    if not wanted:
        return "no control groups are mounted"
    try:
        for folder in wanted:
            folder.mkdir()
            folder.rmdir()
    except OSError as error:
        return f"no control group can be made ({error})"
    if _is_version_2():
        available = set((ROOT / "cgroup.controllers").read_text().split())
        if not NEEDED <= available:
            return "the control groups of this machine have only: " + " ".join(sorted(available))
    return None


def make(name):
    if _is_version_2():
        (ROOT / "cgroup.subtree_control").write_text(" ".join("+" + controller for controller in sorted(NEEDED)))
    for folder in folders(name):
        _make(folder)


def join(name, pid):
    """A process in it shows that it is in use."""
    for folder in folders(name):
        _make(folder / "first")
        (folder / "first" / "cgroup.procs").write_text(str(pid))


def _make(folder):
    folder.mkdir()
    if (folder / "cpuset.cpus").exists() and not _is_version_2():  # which are empty then, and nothing could run there
        for file in ("cpuset.cpus", "cpuset.mems"):
            (folder / file).write_text((folder.parent / file).read_text())


def remove(name):
    """Whether it is gone: a control group can be removed once the processes in it are."""
    left = False
    for top in folders(name):
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                left = True
    return not left
