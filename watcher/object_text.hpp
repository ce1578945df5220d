#pragma once

#include <string_view>

#include "watcher/json_field.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// Lower-case letters, digits, '-' and '.', at most 253: what every name of an object that we refer to is made of. No
// text that is made of names and other separators is ambiguous.
bool is_kubernetes_name(std::string_view text);

// Complains when the object's own name or namespace is none.
void check_object_name(const JsonField& object, const ObjectName& name);

// Without white space around it.
std::string_view trimmed(std::string_view text);

}  // namespace fairlead
