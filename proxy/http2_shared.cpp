#include "proxy/http2_shared.hpp"

#include "proxy/http2_session.hpp"
#include "proxy/http2_stream.hpp"

namespace fairlead {

Http2Shared::Http2Shared()
    : library_(std::make_unique<Http2Library>()), streams_(std::make_unique<Http2StreamPool>()) {}

Http2Shared::~Http2Shared() = default;

}  // namespace fairlead
