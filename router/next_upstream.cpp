#include "router/next_upstream.hpp"

#include <fmt/format.h>

namespace fairlead {
namespace {

struct Word {
  std::string_view text;
  bool NextUpstream::*flag;
};
constexpr Word words[] = {{"error", &NextUpstream::error},
                          {"timeout", &NextUpstream::timeout},
                          {"invalid_header", &NextUpstream::invalid_header},
                          {"non_idempotent", &NextUpstream::non_idempotent}};

std::uint8_t bit(std::size_t index) {
  return static_cast<std::uint8_t>(1u << index);
}

std::string word_of(int status) {
  return fmt::format("http_{}", status);
}

}  // namespace

bool NextUpstream::has_status(int status) const {
  for (std::size_t i = 0; i < known_statuses.size(); ++i) {
    if (known_statuses[i] == status) return (statuses & bit(i)) != 0;
  }
  return false;
}

bool NextUpstream::add(std::string_view word) {
  if (word == "off") {
    *this = none();
    return true;
  }
  for (const Word& known : words) {
    if (word != known.text) continue;
    this->*known.flag = true;
    return true;
  }
  for (std::size_t i = 0; i < known_statuses.size(); ++i) {
    if (word != word_of(known_statuses[i])) continue;
    statuses = static_cast<std::uint8_t>(statuses | bit(i));
    return true;
  }
  return false;
}

std::string NextUpstream::text() const {
  std::string text;
  const auto append = [&](std::string_view word) {
    if (!text.empty()) text += ' ';
    text += word;
  };
  for (const Word& known : words) {
    if (this->*known.flag) append(known.text);
  }
  for (const int status : known_statuses) {
    if (has_status(status)) append(word_of(status));
  }
  return text.empty() ? "off" : text;
}

}  // namespace fairlead
