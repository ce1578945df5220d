#!/usr/bin/env python3
"""HTTP/2 as other programs speak it: h2spec in strict mode, curl and h2load, over TLS and in clear text.

    http2_program_test.py PATH_TO_FAIRLEAD

What is not installed is skipped, with a word about it.
"""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import program_test
from program_test import CLASS, INGRESS, SERVICE, Origin, Program

ROOT = Path(__file__).resolve().parents[2]
# In clear text HTTP/1.1 shares the port: what is no preface is a bad HTTP/1.1 request, and is answered 400 before the close.
SHARED_PORT = "Sends invalid connection preface"


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.origin = Origin()
        everyone = (INGRESS % {"host": "localhost"}).replace("host: localhost, ", "")
        Path(cls.folder.name, "all.yaml").write_text(CLASS + SERVICE % cls.origin.server_port + "---" + everyone)
        cls.program = Program("--manifests", cls.folder.name, "--access-log=off", "--max-keepalive-requests=1000000")
        cls.program.wait_for("generation 1 is served")

    @classmethod
    def tearDownClass(cls):
        cls.program.end()
        cls.origin.shutdown()
        cls.origin.server_close()
        cls.folder.cleanup()

    def h2spec(self, *arguments):
        build = subprocess.run([ROOT / "tests/tools/build"], capture_output=True, text=True)
        if build.returncode == 3:
            self.skipTest(build.stderr.strip())
        self.assertEqual(build.returncode, 0, build.stderr)
        text = subprocess.run([build.stdout.strip(), "-h", "127.0.0.1", "-S", *arguments], capture_output=True, text=True,
                              timeout=300).stdout
        failures = text[text.find("Failures:"):] if "Failures:" in text else ""
        counts = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", text)
        self.assertIsNotNone(counts, text)
        self.assertEqual(counts.group(1), "146")
        return re.findall(r"× \d+: (.*)", failures), text

    def test_h2spec_over_tls(self):
        failed, text = self.h2spec("-t", "-k", "-p", str(self.program.https))
        self.assertEqual(failed, [], text)

    def test_h2spec_in_clear_text(self):
        failed, text = self.h2spec("-p", str(self.program.http))
        self.assertEqual([name for name in failed if name != SHARED_PORT], [], text)

    def test_curl(self):
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        for arguments in (["--http2", f"https://127.0.0.1:{self.program.https}/"],
                          ["--http2-prior-knowledge", f"http://127.0.0.1:{self.program.http}/"],
                          ["--http1.1", f"https://127.0.0.1:{self.program.https}/"]):
            answer = subprocess.run(["curl", "-sk", "-m", "20", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", *arguments],
                                    capture_output=True, text=True).stdout
            self.assertEqual(answer, "1.1 200" if "--http1.1" in arguments else "2 200", arguments)

    def test_h2load(self):
        if not shutil.which("h2load"):
            self.skipTest("h2load is not installed")
        for url in f"https://127.0.0.1:{self.program.https}/missing", f"http://127.0.0.1:{self.program.http}/missing":
            text = subprocess.run(["h2load", "-n", "2000", "-c", "5", "-m", "10", url], capture_output=True, text=True,
                                  timeout=300).stdout
            self.assertIn("2000 succeeded, 0 failed, 0 errored, 0 timeout", text)


if __name__ == "__main__":
    program_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
