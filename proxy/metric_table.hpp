#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fairlead {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

// One row of the README's table, and what the page says of the metric.
struct MetricSpec {
  std::string_view name;
  MetricKind kind;
  std::string_view labels;  // comma-separated, beside the three constant ones of nginx_ingress_controller_*
  std::string_view help;
};

std::span<const MetricSpec> metric_specs();

// As Markdown, for the README.
std::string metric_table();

}  // namespace fairlead
