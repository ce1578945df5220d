#!/usr/bin/env python3
"""A real browser loads a page of 200 resources over HTTP/2 and TLS: headless Chromium, driven through chromedriver.

    http2_page_test.py PATH_TO_FAIRLEAD
"""
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import program_test  # noqa: E402
from program_test import CLASS, INGRESS, SERVICE, Program  # noqa: E402

HOST = "shop.test"
PATIENCE = 120
KINDS = {"svg": "image/svg+xml", "css": "text/css", "js": "text/javascript"}
RESOURCES = [f"/{number}.{kind}" for kind, count in (("svg", 140), ("css", 30), ("js", 30)) for number in range(count)]


def size_of(path):
    """From some hundred bytes to 100 KB."""
    number = int(re.search(r"\d+", path).group())
    return 500 + number * number * 5


def body_of(path):
    if path.endswith(".svg"):
        text = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><!--%s--></svg>'
    else:
        text = "/*%s*/" if path.endswith(".css") else "window.ran = (window.ran || 0) + 1; /*%s*/"
    return (text % ("x" * (size_of(path) - len(text) + 2))).encode()


def page():
    tags = {"svg": '<img src="%s" onerror="failed++">', "css": '<link rel="stylesheet" href="%s" onerror="failed++">',
            "js": '<script src="%s" onerror="failed++"></script>'}
    lines = [tags[path.rsplit(".")[-1]] % path for path in RESOURCES]
    return ("<!doctype html><title>a shop</title><script>var failed = 0; performance.setResourceTimingBufferSize(1000)</script>\n"
            + "\n".join(lines)).encode()


class Origin(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Pages)
        self.asked = Counter()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a browser that has enough hangs up


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.server.asked[self.path] += 1
        body = page() if self.path == "/" else body_of(self.path) if self.path in RESOURCES else None
        kind = KINDS.get(self.path.rsplit(".")[-1], "text/html")
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


class Browser:
    """One session of WebDriver (W3C)."""

    def __init__(self, folder):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        port = next(match.group(1) for line in self.driver.stdout if (match := re.search(r"started successfully on port (\d+)", line)))
        self.reading = threading.Thread(target=self.driver.stdout.read, daemon=True)
        self.reading.start()
        self.base = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-gpu",
                     "--disable-dev-shm-usage", "--ignore-certificate-errors", f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
                     f"--user-data-dir={folder}"]
        options = {"args": arguments, "binary": shutil.which("chromium")}
        made = self.call("", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True, "goog:chromeOptions": options}}})
        self.base += "/" + made["sessionId"]

    def call(self, path, body=None, method="POST"):
        request = urllib.request.Request(self.base + path, json.dumps(body or {}).encode(), {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    def load(self, url):
        """Until the page and all that it names are there."""
        self.call("/url", {"url": url})

    def run(self, script):
        return self.call("/execute/sync", {"script": script, "args": []})

    def end(self):
        try:
            self.call("", method="DELETE")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.reading.join()
            self.driver.stdout.close()


class PageTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(self.folder.cleanup)
        self.origin = Origin()
        self.addCleanup(self.origin.server_close)
        self.addCleanup(self.origin.shutdown)
        manifests = Path(self.folder.name, "manifests")
        manifests.mkdir()
        (manifests / "all.yaml").write_text(CLASS + SERVICE % self.origin.server_port + "---" + INGRESS % {"host": HOST})
        self.program = Program("--manifests", str(manifests), "--access-log=off")
        self.addCleanup(self.program.end)
        self.program.wait_for("generation 1 is served")
        self.browser = Browser(Path(self.folder.name, "profile"))
        self.addCleanup(self.browser.end)

    def test_every_resource_of_a_page_comes_whole_and_over_http_2(self):
        self.browser.load(f"https://{HOST}:{self.program.https}/")
        found = self.browser.run("return {failed: failed, ran: window.ran, page: performance.getEntriesByType('navigation')[0].nextHopProtocol,"
                                 " resources: performance.getEntriesByType('resource').map(one =>"
                                 " [new URL(one.name).pathname, one.nextHopProtocol, one.responseStatus, one.encodedBodySize])}")
        self.assertEqual((found["failed"], found["page"]), (0, "h2"))
        self.assertEqual(found["ran"], sum(path.endswith(".js") for path in RESOURCES))
        expected = [[path, "h2", 200, len(body_of(path))] for path in RESOURCES]
        self.assertEqual(sorted(one for one in found["resources"] if one[0] in RESOURCES), sorted(expected))
        self.assertEqual([path for path in RESOURCES if self.origin.asked[path] != 1], [])


if __name__ == "__main__":
    program_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
