"""The programs that tests/kubernetes/build-tools builds."""
import subprocess
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


@cache
def tool(name):
    """The file of one; built if it is not there yet."""
    done = subprocess.run([HERE / "build-tools", name], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"tests/kubernetes/build-tools {name} failed")
    return Path(done.stdout.split()[1])
