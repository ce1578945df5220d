#pragma once

#include <string>
#include <string_view>

namespace fairlead::test {

// The table between <!-- name --> and <!-- /name --> in README.md is this one. With FAIRLEAD_UPDATE_README=1 in the
// environment it is put there instead, and the test says that it was.
void expect_readme_holds(std::string_view name, const std::string& table);

// text with the table put between the markers; "" when it has none.
std::string with_table(const std::string& text, std::string_view name, const std::string& table);

}  // namespace fairlead::test
