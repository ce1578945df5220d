#pragma once

#include "router/head.hpp"

namespace fairlead {

// Whether a field may stand behind a body. Fields that change how a message is framed, routed or authorised mean
// nothing there, and could be taken for such by a careless recipient (RFC 9110 6.5.1).
bool may_be_trailer(const Field& field);

}  // namespace fairlead
