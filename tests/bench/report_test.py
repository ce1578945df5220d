#!/usr/bin/python3
"""The tables of goals and results. Run by tests/run bench."""
import unittest

import cases
import goals
import memory
import report


def measured(ratio, cpu_us=10.0, **more):
    return {"ratio": [ratio] * 3, "cpu_us": [cpu_us] * 3, "rate": [1e5] * 3, "requests": 100, "rss_bytes": 10_000_000, **more}


def results(**of_cases):
    return {"cases": of_cases, "absent": {}, "about": {"versions": {"nginx": "nginx 1"}, "machine": "2 × CPU", "congestion_control": "reno",
            "rounds": 3, "seconds": 1, "load_before": 0.1, "commit": "abc", "quick": False}}


def small(**more):
    return {"fairlead": measured(0.6, **more), "nginx": measured(1.0), "haproxy": measured(1.2)}


class GoalsTest(unittest.TestCase):
    def row(self, found, begins):
        return next(row for row in goals.rows(found) if row.name.startswith(begins))

    def test_no_row_is_left_out(self):
        nothing = goals.rows(results())
        everything = goals.rows(results(**{case.name: small() for case in cases.CASES}))
        self.assertEqual([row.name for row in nothing], [row.name for row in everything])
        self.assertTrue(all(row.verdict == "not measured" for row in nothing))
        self.assertEqual(len({row.name for row in nothing}), len(nothing), "two rows have one name")

    def test_every_case_has_a_goal(self):
        self.assertEqual([case.name for case in cases.CASES if not case.goals], [])
        for case in cases.CASES:
            for goal in case.goals:
                self.assertLessEqual(goal.goal, goal.floor, case.name)

    def test_small_bodies_are_held_against_the_better_peer(self):
        row = self.row(results(**{"GET 128 B": small()}), "GET 128 B: CPU")
        self.assertAlmostEqual(row.value, 0.6)
        self.assertEqual(row.verdict, "goal")

    def test_large_bodies_are_held_against_both_peers(self):
        names = [row.name for row in goals.rows(results()) if row.name.startswith("GET 1 MB")]
        self.assertEqual(names, ["GET 1 MB: CPU of nginx", "GET 1 MB: CPU of HAProxy"])

    def test_policies_are_held_against_our_own_plain_figure(self):
        name = "GET 128 B with access log, metrics and policies"
        found = {"fairlead": measured(0.5), cases.POLICIES: measured(0.54), "nginx": measured(1.0)}
        self.assertAlmostEqual(self.row(results(**{name: found}), name).value, 1.08)

    def test_a_run_that_did_other_work_is_no_figure(self):
        found = results(**{"GET 128 B": {"wrong": "good: 1 instead of 2"}})
        self.assertEqual(self.row(found, "GET 128 B: CPU").verdict, "not measured")
        self.assertIn("did other work", report.page(found))

    def test_http_2_is_held_against_the_best_peer_of_all(self):
        found = {"fairlead": measured(1, 7.5), "nginx": measured(1, 12.0), "haproxy": measured(1, 11.0), "envoy": measured(1, 10.0)}
        row = self.row(results(**{"h2 GET 128 B, 10 × 10": found}), "h2 GET 128 B, 10 × 10: CPU of the best peer")
        self.assertAlmostEqual(row.value, 0.75)
        self.assertEqual(row.verdict, "floor")

    def test_every_kind_of_idle_connection_has_a_row(self):
        found = {**results(), "idle connections": {kind: {"fairlead": 2048} for kind in memory.KINDS}}
        rows = [row for row in goals.rows(found) if row.name.startswith("memory of an idle connection")]
        self.assertEqual([row.value for row in rows], [2, 2, 2])

    def test_a_case_that_was_skipped_says_why_and_is_no_failure(self):
        found = results(**{"h2c gRPC unary, 128 B, 10 × 10": {"skipped": "fairlead does not speak gRPC"}})
        self.assertEqual(self.row(found, "h2c gRPC unary, 128 B, 10 × 10").verdict, "not measured")
        self.assertIn("skipped: fairlead does not speak gRPC", report.page(found))
        self.assertEqual([name for name, result in report.everything(found).items() if "wrong" in result], [])

    def test_memory_a_path_is_the_difference_by_the_paths(self):
        control = {"sizes": {"40000": {"rss_bytes": 208_000_000}}, "api few": {"rss_bytes": 8_000_000}, "paths": {"api": 400_000}}
        row = next(row for row in goals.control_rows(control) if row.name == "memory a path, from the API server")
        self.assertEqual(row.value, 500)
        self.assertEqual(row.verdict, "goal")

    def test_system_calls_are_summed(self):
        found = results(**{"GET 128 B": small(system_calls={"recvfrom": 2.0, "sendto": 2.0, "epoll_wait": 0.5})})
        self.assertEqual(self.row(found, "system calls").value, 4.5)
        self.assertIn("recvfrom 2.00", report.page(found))


class PageTest(unittest.TestCase):
    def test_an_absent_peer_is_named_with_the_reason(self):
        found = results(**{"GET 128 B": small()})
        found["absent"] = {"envoy": "not installed"}
        self.assertIn("Absent: envoy (not installed).", report.page(found))

    def test_a_quick_run_says_that_it_measures_nothing(self):
        found = results()
        found["about"]["quick"] = True
        self.assertIn("these are no measurements", report.page(found))

    def test_a_case_shows_norm_spread_and_requests_a_core(self):
        page = report.page(results(**{"GET 128 B": small()}))
        self.assertIn("| GET 128 B | fairlead | **0.60** | 0.60-0.60 | 10.0 | 100,000 | - | - | 10.0 |", page)

    def test_figures_are_written_with_their_units(self):
        self.assertEqual(goals.Row("memory", 0.034, 0.02, 0.05, "%").text(0.034), "+3.4 %")
        self.assertEqual(goals.Row("memory", 512.4, 500, 1024, "B").text(512.4), "512 B")
        self.assertEqual(goals.Row("norm", 0.648, 0.65, 0.72).text(0.648), "0.65")
        self.assertEqual(goals.Row("norm", None, 0.65, 0.72).text(None), "-")


if __name__ == "__main__":
    unittest.main()
