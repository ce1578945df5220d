#!/usr/bin/env python3
"""HTTP/2 as other programs speak it: h2spec in strict mode, curl and h2load, over TLS and in clear text.

    http2_program_test.py PATH_TO_FAIRLEAD REQUESTS

REQUESTS: that h2load makes, of each kind. What is not installed is skipped, with a word about it.
"""
import asyncio
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import program_test
from program_test import CLASS, INGRESS, SERVICE, Program

ROOT = Path(__file__).resolve().parents[2]
# In clear text HTTP/1.1 shares the port: what is no preface is a bad HTTP/1.1 request, and is answered 400 before the close.
SHARED_PORT = "Sends invalid connection preface"


REQUESTS = 0


class Answers(asyncio.Protocol):
    """One connection of an origin for many requests. It answers when all of a request is there: the proxy ends a stream that is
    answered early, and what h2spec sends on it then would not be judged any more."""

    def __init__(self, origin):
        self.origin, self.kept, self.transport = origin, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.kept += data
        answers = []
        while (end := self.kept.find(b"\r\n\r\n")) >= 0:
            head = self.kept[:end].lower()
            length = re.search(rb"\r\ncontent-length: (\d+)", head)
            end += 4 + (int(length.group(1)) if length else 0)
            if b"\r\ntransfer-encoding: chunked" in head:  # no data that looks like its end
                last = re.compile(rb"\n0\r\n([^\r\n]+\r\n)*\r\n").search(self.kept, end - 1)
                end = last.end() if last else len(self.kept) + 1
            if len(self.kept) < end:
                break
            self.kept = self.kept[end:]
            answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        self.origin.answered += len(answers)
        self.transport.writelines(answers)


class FastOrigin:
    def __init__(self):
        self.answered = 0
        self.loop = asyncio.new_event_loop()
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.server_port = listener.getsockname()[1]
        self.server = self.loop.run_until_complete(self.loop.create_server(lambda: Answers(self), sock=listener))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def end(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.server.close()


class ProgramCase(unittest.TestCase):
    def h2spec(self, *arguments):
        build = subprocess.run([ROOT / "tests/tools/build"], capture_output=True, text=True)
        if build.returncode == 3:
            self.skipTest(build.stderr.strip())
        self.assertEqual(build.returncode, 0, build.stderr)
        # -o: how long h2spec waits for a frame. Its own 2 seconds are short for a sanitized program on a busy machine.
        text = subprocess.run([build.stdout.strip(), "-h", "127.0.0.1", "-S", "-o", "10", *arguments], capture_output=True, text=True,
                              timeout=250).stdout
        failures = text[text.find("Failures:"):] if "Failures:" in text else ""
        counts = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", text)
        self.assertIsNotNone(counts, text)
        self.assertEqual(counts.group(1), "146")
        return re.findall(r"× \d+: (.*)", failures), text

    @staticmethod
    def serve(folder, service):
        everyone = (INGRESS % {"host": "localhost"}).replace("host: localhost, ", "")
        Path(folder, "all.yaml").write_text(CLASS + service + "---" + everyone)
        program = Program("--manifests", folder, "--access-log=off", "--max-keepalive-requests=1000000")
        program.wait_for("generation 1 is served")
        return program


class Http2(ProgramCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.origin = FastOrigin()
        cls.program = cls.serve(cls.folder.name, SERVICE % cls.origin.server_port)

    @classmethod
    def tearDownClass(cls):
        cls.program.end()
        cls.origin.end()
        cls.folder.cleanup()

    def test_h2spec_over_tls(self):
        failed, text = self.h2spec("-t", "-k", "-p", str(self.program.https))
        self.assertEqual(failed, [], text)

    def test_h2spec_in_clear_text(self):
        failed, text = self.h2spec("-p", str(self.program.http))
        self.assertEqual([name for name in failed if name != SHARED_PORT], [], text)

    # The one case that fails above, in full: RFC 9113 3.4 lets the GOAWAY be omitted "since an invalid preface indicates that
    # the peer is not using HTTP/2", and RFC 9112 2.2 wants such bytes answered 400 where HTTP/1.1 is spoken.
    def test_what_is_no_preface_is_answered_in_http_1_and_closed(self):
        with socket.create_connection(("127.0.0.1", self.program.http), 30) as connection:
            connection.sendall(b"INVALID CONNECTION PREFACE\r\n\r\n")
            self.assertTrue(connection.makefile("rb").read().startswith(b"HTTP/1.1 400 "))

    def test_curl(self):
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        for arguments in (["--http2", f"https://127.0.0.1:{self.program.https}/"],
                          ["--http2-prior-knowledge", f"http://127.0.0.1:{self.program.http}/"],
                          ["--http1.1", f"https://127.0.0.1:{self.program.https}/"],
                          ["--http2", "--data-binary", "@" + __file__, f"https://127.0.0.1:{self.program.https}/"],
                          ["--http2-prior-knowledge", "--data-binary", "@" + __file__, f"http://127.0.0.1:{self.program.http}/"]):
            answer = subprocess.run(["curl", "-sk", "-m", "20", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", *arguments],
                                    capture_output=True, text=True).stdout
            self.assertEqual(answer, "1.1 200" if "--http1.1" in arguments else "2 200", arguments)

    def test_h2load(self):
        if not shutil.which("h2load"):
            self.skipTest("h2load is not installed")
        for url in f"https://127.0.0.1:{self.program.https}/", f"http://127.0.0.1:{self.program.http}/":
            before = self.origin.answered
            text = subprocess.run(["h2load", "-n", str(REQUESTS), "-c", "5", "-m", "20", url], capture_output=True, text=True,
                                  timeout=300).stdout
            self.assertIn(f" {REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout", text)
            self.assertIn(f"status codes: {REQUESTS} 2xx", text)
            self.assertIn(f"({5 * REQUESTS}) data", text)
            self.assertEqual(self.origin.answered - before, REQUESTS)

    def test_h2load_uploads(self):
        if not shutil.which("h2load"):
            self.skipTest("h2load is not installed")
        body = Path(self.folder.name, "body")
        body.write_bytes(b"b" * 100_000)
        for url in f"https://127.0.0.1:{self.program.https}/", f"http://127.0.0.1:{self.program.http}/":
            text = subprocess.run(["h2load", "-n", "500", "-c", "5", "-m", "10", "-d", body, url], capture_output=True, text=True,
                                  timeout=300).stdout
            self.assertIn(" 500 succeeded, 0 failed, 0 errored, 0 timeout", text)
            self.assertIn("status codes: 500 2xx", text)


class Http2OnBothSides(ProgramCase):
    """The same with a service that speaks HTTP/2 in clear text: a second Fairlead in front of the origin."""

    @classmethod
    def setUpClass(cls):
        cls.folders = [tempfile.TemporaryDirectory() for _ in range(2)]
        cls.origin = FastOrigin()
        cls.service = cls.serve(cls.folders[0].name, SERVICE % cls.origin.server_port)
        over_h2c = (SERVICE % cls.service.http).replace("{port: 80}", "{port: 80, appProtocol: kubernetes.io/h2c}", 1)
        cls.program = cls.serve(cls.folders[1].name, over_h2c)

    @classmethod
    def tearDownClass(cls):
        cls.program.end()
        cls.service.end()
        cls.origin.end()
        for folder in cls.folders:
            folder.cleanup()

    def test_h2spec_over_tls(self):
        failed, text = self.h2spec("-t", "-k", "-p", str(self.program.https))
        self.assertEqual(failed, [], text)

    def test_h2spec_in_clear_text(self):
        failed, text = self.h2spec("-p", str(self.program.http))
        self.assertEqual([name for name in failed if name != SHARED_PORT], [], text)


if __name__ == "__main__":
    program_test.PROGRAM, REQUESTS = sys.argv.pop(1), int(sys.argv.pop(1))
    unittest.main()
