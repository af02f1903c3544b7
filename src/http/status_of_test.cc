#include "http/status_of.h"

#include <set>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

TEST(StatusOfTest, EveryKindHasAnErrorStatusAndAReasonOfItsOwn) {
  std::set<std::string_view> reasons;
  for (int i = 0; i <= static_cast<int>(ErrorKind::Internal); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    const StatusOf& status = status_of(kind);

    EXPECT_GE(status.http, 400) << to_string(kind);
    EXPECT_LE(status.http, 504) << to_string(kind);
    EXPECT_NE(reason_phrase(status.http), "Unknown") << to_string(kind);
    EXPECT_GE(status.grpc, 1) << to_string(kind);
    EXPECT_LE(status.grpc, 16) << to_string(kind);
    reasons.insert(status.log_reason);
  }
  EXPECT_EQ(reasons.size(), static_cast<std::size_t>(ErrorKind::Internal) + 1);
}

TEST(StatusOfTest, AnUnknownKindFailsClosed) {
  EXPECT_EQ(status_of(static_cast<ErrorKind>(200)).http, 500);
}

TEST(StatusOfTest, AnswersEachKindAsCallersExpect) {
  EXPECT_EQ(status_of(ErrorKind::InvalidInput).http, 400);
  EXPECT_EQ(status_of(ErrorKind::Unauthenticated).http, 401);
  EXPECT_EQ(status_of(ErrorKind::PermissionDenied).http, 403);
  EXPECT_EQ(status_of(ErrorKind::NotFound).http, 404);
  EXPECT_EQ(status_of(ErrorKind::Unavailable).http, 503);
  EXPECT_EQ(status_of(ErrorKind::DeadlineExceeded).http, 504);
  EXPECT_EQ(status_of(ErrorKind::Internal).http, 500);
}

TEST(GrpcStatusTest, FollowsTheTableOfDenials) {
  EXPECT_EQ(grpc_status_of(400), 13);
  EXPECT_EQ(grpc_status_of(401), 16);
  EXPECT_EQ(grpc_status_of(403), 7);
  EXPECT_EQ(grpc_status_of(404), 12);
  for (const int status : {429, 502, 503, 504}) {
    EXPECT_EQ(grpc_status_of(static_cast<std::uint16_t>(status)), 14) << status;
  }
  EXPECT_EQ(grpc_status_of(450), 2);
  EXPECT_EQ(grpc_status_of(495), 2);
}

TEST(ReasonPhraseTest, KnowsTheUsualOnesAndOurs) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(495), "Client Certificate Required");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(299), "Unknown");
  EXPECT_EQ(reason_phrase(999), "Unknown");
}

}  // namespace
}  // namespace vallum::http
