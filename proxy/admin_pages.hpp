#pragma once

#include <string>
#include <string_view>

#include "proxy/admin.hpp"

namespace fairlead {

struct AdminAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// What a GET of this target is answered with. target: as in the request line, "/routes?host=a.example.com".
AdminAnswer answer_admin(const AdminOptions& options, const AdminSources& sources, std::string_view target);

}  // namespace fairlead
