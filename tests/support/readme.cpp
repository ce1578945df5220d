#include "tests/support/readme.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fairlead::test {

std::string with_table(const std::string& text, std::string_view name, const std::string& table) {
  const std::string begin = "<!-- " + std::string(name) + " -->\n";
  const std::string end = "<!-- /" + std::string(name) + " -->\n";
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find(end, from == std::string::npos ? from : from + begin.size());
  if (from == std::string::npos || to == std::string::npos) return "";
  return text.substr(0, from + begin.size()) + table + text.substr(to);
}

void expect_readme_holds(std::string_view name, const std::string& table) {
  const std::filesystem::path readme = std::filesystem::path(FAIRLEAD_SOURCE_DIR) / "README.md";
  std::ostringstream read;
  read << std::ifstream(readme).rdbuf();
  const std::string text = read.str();
  const std::string wanted = with_table(text, name, table);
  ASSERT_FALSE(wanted.empty()) << "README.md has no <!-- " << name << " --> followed by <!-- /" << name << " -->";
  if (text == wanted) return;
  const char* const update = std::getenv("FAIRLEAD_UPDATE_README");
  if (update && std::string_view(update) == "1") {
    std::ofstream(readme) << wanted;
    GTEST_SKIP() << "the " << name << " of README.md were written anew";
  }
  FAIL() << "the " << name << " of README.md are not those of the code; FAIRLEAD_UPDATE_README=1 writes them:\n"
         << table;
}

}  // namespace fairlead::test
