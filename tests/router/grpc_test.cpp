#include "router/grpc.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

bool is_grpc_type(std::string_view type) {
  const Field field{"content-type", type, FieldName::content_type};
  Fields fields;
  fields.list = {&field, 1};
  return is_grpc(fields);
}

std::string message(std::string_view text) {
  std::string room(grpc_message_room(text.size()), '\0');
  room.resize(write_grpc_message(text, room.data()));
  return room;
}

TEST(Grpc, IsToldByTheContentType) {
  for (const std::string_view type : {"application/grpc", "application/grpc+proto", "application/grpc+json",
                                      "Application/gRPC", "application/grpc;charset=utf-8"}) {
    EXPECT_TRUE(is_grpc_type(type)) << type;
  }
  for (const std::string_view type : {"", "application/json", "application/grpc-web", "application/grpc-web+proto",
                                      "application/grpc-web-text", "application/grp", "application/grpcx", "x"}) {
    EXPECT_FALSE(is_grpc_type(type)) << type;
  }
  EXPECT_FALSE(is_grpc(Fields{}));
}

TEST(Grpc, MapsHttpStatusAsItsClientsDoAndTheRestMoreFinely) {
  struct Case {
    int http;
    GrpcStatus grpc;
  };
  for (const Case& each :
       {Case{400, GrpcStatus::internal}, Case{401, GrpcStatus::unauthenticated},
        Case{403, GrpcStatus::permission_denied}, Case{404, GrpcStatus::unimplemented},
        Case{429, GrpcStatus::unavailable}, Case{502, GrpcStatus::unavailable}, Case{503, GrpcStatus::unavailable},
        Case{504, GrpcStatus::unavailable}, Case{405, GrpcStatus::unimplemented}, Case{408, GrpcStatus::unavailable},
        Case{413, GrpcStatus::resource_exhausted}, Case{414, GrpcStatus::resource_exhausted},
        Case{431, GrpcStatus::resource_exhausted}, Case{501, GrpcStatus::unimplemented}, Case{308, GrpcStatus::unknown},
        Case{421, GrpcStatus::unknown}, Case{500, GrpcStatus::unknown}, Case{499, GrpcStatus::cancelled}}) {
    EXPECT_EQ(grpc_status_of(each.http), each.grpc) << each.http;
  }
}

TEST(Grpc, ReadsAStatusAndTakesStrangeNumbersForUnknown) {
  EXPECT_EQ(parse_grpc_status("0"), GrpcStatus::ok);
  EXPECT_EQ(parse_grpc_status("14"), GrpcStatus::unavailable);
  EXPECT_EQ(parse_grpc_status("16"), GrpcStatus::unauthenticated);
  for (const std::string_view strange : {"17", "99", "4294967296000"}) {
    EXPECT_EQ(parse_grpc_status(strange), GrpcStatus::unknown) << strange;
  }
  for (const std::string_view none : {"", "-1", "+1", " 1", "1 ", "00", "01", "x", "1x"}) {
    EXPECT_EQ(parse_grpc_status(none), std::nullopt) << none;
  }
}

TEST(Grpc, FindsTheStatusInTrailers) {
  EXPECT_EQ(find_grpc_status("grpc-message: no\r\nGrpc-Status:  5 \r\nx: 1\r\n"), GrpcStatus::not_found);
  EXPECT_EQ(find_grpc_status("grpc-status:0\r\n"), GrpcStatus::ok);
  for (const std::string_view none : {"", "x: 1\r\n", "grpc-status\r\n", "grpc-status: \r\n", "grpc-status-x: 1\r\n"}) {
    EXPECT_EQ(find_grpc_status(none), std::nullopt) << none;
  }
}

TEST(Grpc, ReadsATimeoutOfEveryUnitAndRoundsUp) {
  struct Case {
    std::string_view text;
    milliseconds time;
  };
  for (const Case& each : {Case{"1H", 1h}, Case{"2M", 2min}, Case{"3S", 3s}, Case{"4m", 4ms}, Case{"5000u", 5ms},
                           Case{"5001u", 6ms}, Case{"1n", 1ms}, Case{"2000000n", 2ms}, Case{"0S", 0ms},
                           Case{"00000001S", 1s}, Case{"99999999H", 99'999'999h}, Case{"99999999n", 100ms}}) {
    EXPECT_EQ(parse_grpc_timeout(each.text), each.time) << each.text;
  }
}

TEST(Grpc, RefusesATimeoutThatIsNone) {
  for (const std::string_view bad :
       {"", "S", "1", "1s", "1h", "1 S", " 1S", "1S ", "-1S", "+1S", "1.5S", "123456789S", "1SS", "0x1S", "1U"}) {
    EXPECT_EQ(parse_grpc_timeout(bad), std::nullopt) << bad;
  }
}

TEST(Grpc, EncodesAMessageSoThatItIsAFieldValue) {
  EXPECT_EQ(message("503 Service Unavailable"), "503 Service Unavailable");
  EXPECT_EQ(message("100% \r\n\x7f\xc3\xa9"), "100%25 %0D%0A%7F%C3%A9");
  EXPECT_EQ(message(""), "");
}

}  // namespace
}  // namespace fairlead
