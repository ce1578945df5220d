#!/usr/bin/python3
"""What counts as a right run. Run by tests/run bench."""
import json
import types
import unittest

import cases
import data_plane
import load
import system_calls

H2LOAD = """Application protocol: http/1.1
finished in 1.50s, 66666.67 req/s, 12.34MB/s
requests: 100000 total, 100000 started, 100000 done, 100000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 100000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 30.52MB (32000000) total, 15.26MB (16000000) headers (space savings 0.00%), 12.21MB (12800000) data
"""
STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.100000           5     20000           sendto
 50.00    0.100000           5     20010        10 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.200000           5     40010        10 total
"""


def case(name):
    return next(case for case in cases.CASES if case.name == name)


class RequestsTest(unittest.TestCase):
    def test_requests_fill_whole_turns_of_connections_and_streams(self):
        self.assertEqual(data_plane.fewest(case("h2 GET 128 B, 1 × 100")), 200)
        self.assertEqual(data_plane.fewest(case("h2 GET 1 MB, 10 × 10")), 100)
        self.assertEqual(data_plane.requests_of(case("h2 GET 128 B, 10 × 10"), 1234.5, 1), 1200)
        self.assertEqual(data_plane.requests_of(case("GET 128 B"), 1234.5, 1), 1250)


class HowTest(unittest.TestCase):
    def h2load(self, name):
        proxy = types.SimpleNamespace(plain_port=1, tls_port=2, h2c_port=3)
        return " ".join(map(str, load.h2load(case(name), proxy, 1000, None)))

    def test_http_2_in_clear_text_has_a_port_of_its_own(self):
        command = self.h2load("h2c GET 128 B, 10 × 10")
        self.assertIn(" -p h2c -m 10 ", command)
        self.assertIn("-c 10 -n 1000 --connect-to 127.0.0.1:3 http://", command)

    def test_http_2_over_tls(self):
        command = self.h2load("h2 GET 128 B, 1 × 100")
        self.assertIn(" --npn-list=h2 ", command)
        self.assertIn("-c 1 -n 1000 --connect-to 127.0.0.1:2 https://", command)

    def test_everything_else_is_http_1(self):
        self.assertIn("--h1 -t 1 -c 50 -n 1000 --connect-to 127.0.0.1:1 http://", self.h2load("GET 128 B"))


class RunTest(unittest.TestCase):
    def differences(self, name, facts, requests=100000):
        return load.differences(load.wanted(case(name), requests), facts)

    def test_a_right_run_of_h2load(self):
        facts = {**load.h2load_facts(H2LOAD), "requests at the origin": 100000}
        self.assertEqual(self.differences("GET 128 B", facts), "")
        self.assertAlmostEqual(facts["seconds"], 1.5, places=4)

    def test_a_request_that_the_origin_did_not_see_is_found(self):
        facts = {**load.h2load_facts(H2LOAD), "requests at the origin": 99999}
        self.assertEqual(self.differences("GET 128 B", facts), "requests at the origin: 99999 instead of 100000")

    def test_bytes_that_are_missing_are_found(self):
        facts = {**load.h2load_facts(H2LOAD.replace("(12800000)", "(12799999)")), "requests at the origin": 100000}
        self.assertIn("body bytes: 12799999", self.differences("GET 128 B", facts))

    def test_a_run_over_another_protocol_than_was_asked_for_is_found(self):
        facts = {**load.h2load_facts(H2LOAD), "requests at the origin": 100000}
        self.assertEqual(self.differences("h2 GET 128 B, 10 × 10", facts), "protocol: http/1.1 instead of h2")
        facts = {**load.h2load_facts(H2LOAD.replace("http/1.1", "h2c")), "requests at the origin": 100000}
        self.assertEqual(self.differences("h2c GET 128 B, 1 × 100", facts), "")
        self.assertEqual(self.differences("GET 128 B", facts), "protocol: h2c instead of http/1.1")

    def test_a_generator_that_said_nothing_is_no_right_run(self):
        self.assertIn("good: 0", self.differences("GET 128 B", load.h2load_facts("connection refused")))
        self.assertIn("good: None", self.differences("new connection a request", load.own_facts("")))

    def own(self, **facts):
        right = {"good": 500, "errors": 0, "closed": 0, "resumed": 0, "connected": 500, "body_bytes": 64000, "seconds": 1.0}
        return {**load.own_facts(json.dumps({**right, **facts})), "requests at the origin": 500}

    def test_a_connection_a_request_is_counted(self):
        self.assertEqual(self.differences("new connection a request", self.own(), 500), "")
        self.assertIn("connected: 499", self.differences("new connection a request", self.own(connected=499), 500))
        self.assertIn("closed: 1", self.differences("new connection a request", self.own(closed=1), 500))

    def test_full_handshakes_must_be_full_and_resumed_ones_resumed(self):
        self.assertEqual(self.differences("TLS full handshake a request", self.own(), 500), "")
        self.assertIn("resumed: 3", self.differences("TLS full handshake a request", self.own(resumed=3), 500))
        self.assertEqual(self.differences("TLS resumed session a request", self.own(resumed=450), 500), "")
        self.assertIn("resumed: 449", self.differences("TLS resumed session a request", self.own(resumed=449), 500))

    def test_the_kernels_share_is_measured_before_the_origin_of_the_case(self):
        bench = load.Bench(None, 0, None, {}, {cases.KERNEL: "origin", cases.KERNEL_OF_STREAMS: "streams", "nginx": "nginx"})
        self.assertEqual(bench.proxy(case("GET 128 B"), cases.KERNEL), "origin")
        self.assertEqual(bench.proxy(case("WebSocket, 1,000 connections"), cases.KERNEL), "streams")
        self.assertEqual(bench.proxy(case("WebSocket, 1,000 connections"), "nginx"), "nginx")

    def test_opening_connections_is_little_beside_the_messages_on_them(self):
        websocket = case("WebSocket, 1,000 connections")
        self.assertEqual(data_plane.requests_of(websocket, 1, 0.1), 50_000)
        self.assertEqual(data_plane.requests_of(websocket, 1_000_000, 0.1), 100_000)

    def test_system_calls_are_read_with_and_without_errors(self):
        self.assertEqual(system_calls.calls(STRACE), {"sendto": 20000, "recvfrom": 20010})


if __name__ == "__main__":
    unittest.main()
