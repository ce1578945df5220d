#!/usr/bin/python3
"""The suite's arithmetic. Run by tests/run bench."""
import unittest

import figures


class FiguresTest(unittest.TestCase):
    def test_a_norm_compares_within_one_round(self):
        self.assertEqual(figures.norms([0.5, 0.9], [1.0, 0.6]), [0.5, 1.5])

    def test_rounds_that_are_missing_are_no_norm(self):
        with self.assertRaises(ValueError):
            figures.norms([0.5], [1.0, 0.6])

    def test_the_median_of_an_even_number_lies_between_the_middle_two(self):
        self.assertEqual(figures.median([4, 1, 3, 2]), 2.5)

    def test_the_spread_is_the_smallest_and_the_largest(self):
        self.assertEqual(figures.spread([0.7, 0.6, 0.9]), (0.6, 0.9))

    def test_a_percentile_is_a_value_that_was_measured(self):
        values = list(range(1, 101))
        self.assertEqual(figures.percentile(values, 0.5), 50)
        self.assertEqual(figures.percentile(values, 0.99), 99)
        self.assertEqual(figures.percentile(values, 1), 100)
        self.assertEqual(figures.percentile([7], 0.99), 7)
        self.assertEqual(figures.percentile([3, 1, 2], 0.99), 3)

    def test_the_better_peer_is_chosen_round_by_round(self):
        found = {"fairlead": [0.6, 0.6, 0.6], "nginx": [1.0, 1.2, 1.0], "haproxy": [1.2, 1.0, 1.1], "envoy": [0.1, 0.1, 0.1]}
        self.assertAlmostEqual(figures.quotient(found, "fairlead", "better"), 0.6)

    def test_the_best_peer_may_be_any_but_ourselves(self):
        found = {"fairlead": [90.0], "nginx": [100.0], "haproxy": [120.0], "envoy": [200.0]}
        self.assertAlmostEqual(figures.quotient(found, "fairlead", "best"), 0.9)

    def test_a_quotient_without_its_peer_is_not_measured(self):
        found = {"fairlead": [0.6], "nginx": [1.0]}
        self.assertIsNone(figures.quotient(found, "fairlead", "better"), "HAProxy might have been the better one")
        self.assertIsNone(figures.quotient(found, "fairlead", "haproxy"))
        self.assertIsNone(figures.quotient({"nginx": [1.0], "haproxy": [1.0]}, "fairlead", "better"))
        self.assertIsNone(figures.quotient({"fairlead": [1.0]}, "fairlead", "best"))

    def test_a_goal_is_met_when_it_is_just_reached(self):
        self.assertEqual(figures.verdict(0.65, 0.65, 0.72), "goal")
        self.assertEqual(figures.verdict(0.66, 0.65, 0.72), "floor")
        self.assertEqual(figures.verdict(0.72, 0.65, 0.72), "floor")
        self.assertEqual(figures.verdict(0.73, 0.65, 0.72), "missed")
        self.assertEqual(figures.verdict(0, 0, 0), "goal")
        self.assertEqual(figures.verdict(None, 0.65, 0.72), "not measured")

    def test_flat_is_what_does_not_grow(self):
        self.assertTrue(figures.flat([10, 10, 10.1, 10], 0.02))
        self.assertFalse(figures.flat([10, 10, 11, 12], 0.02))


if __name__ == "__main__":
    unittest.main()
