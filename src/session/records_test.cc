#include "session/records.h"

#include <string>

#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

#include "codec/json.h"
#include "proto/session.pb.h"
#include "proto/user.pb.h"
#include "session/joined_identity.h"

namespace vallum::session {
namespace {

using namespace std::chrono_literals;

codec::Node json(std::string_view text) {
  return codec::parse_json(text).value();
}

constexpr WallTime kNow{std::chrono::seconds(1700000000)};

SessionRecord full_session() {
  SessionRecord session;
  session.id = "s1";
  session.user_id = "u1";
  session.idp_id = "idp";
  session.issued_at = kNow;
  session.expires_at = kNow + 14h + Duration(5);
  session.id_token = IdToken{.issuer = "https://idp",
                             .subject = "sub",
                             .issued_at = kNow,
                             .expires_at = kNow + 1h,
                             .raw = Secret(std::string_view("raw.id.token"))};
  session.oauth_token = OauthToken{.access_token = Secret(std::string_view("access")),
                                   .token_type = "Bearer",
                                   .expires_at = kNow + 1h,
                                   .refresh_token = Secret(std::string_view("refresh"))};
  session.claims.push_back({.name = "email", .values = json(R"(["a@b"])")});
  session.claims.push_back(
      {.name = "mixed",
       .values = json(R"([1, 2.5, true, null, "x", {"k":[1]}, 9007199254740991])")});
  session.audience = {"app.t"};
  return session;
}

TEST(SessionRecordTest, ComesBackAsItWasWritten) {
  const SessionRecord session = full_session();

  const auto read = decode_session(encode_session(session).value());

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->id, "s1");
  EXPECT_EQ(read->user_id, "u1");
  EXPECT_EQ(read->idp_id, "idp");
  EXPECT_EQ(read->expires_at, session.expires_at);
  EXPECT_EQ(read->accessed_at, std::nullopt);
  ASSERT_TRUE(read->id_token && read->oauth_token);
  EXPECT_EQ(read->id_token->raw.expose_text(), "raw.id.token");
  EXPECT_EQ(read->id_token->expires_at, kNow + 1h);
  EXPECT_EQ(read->oauth_token->refresh_token.expose_text(), "refresh");
  EXPECT_EQ(read->audience, session.audience);
  ASSERT_NE(find_claim(read->claims, "mixed"), nullptr);
  EXPECT_TRUE(find_claim(read->claims, "mixed")->equals(session.claims[1].values));
  EXPECT_EQ(find_claim(read->claims, "none"), nullptr);
}

TEST(SessionRecordTest, UsesTheFieldsOfTheWireContract) {
  const databroker::Value value = encode_session(full_session()).value();

  ::session::Session message;
  ASSERT_TRUE(message.ParseFromString(value.bytes));
  EXPECT_EQ(value.type_url, "type.googleapis.com/session.Session");
  EXPECT_EQ(message.expires_at().nanos(), 5);
  EXPECT_EQ(message.id_token().subject(), "sub");
  EXPECT_EQ(message.oauth_token().access_token(), "access");
  EXPECT_EQ(message.claims().at("email").values(0).string_value(), "a@b");
  EXPECT_FALSE(message.has_impersonate_session_id());
  EXPECT_FALSE(message.has_accessed_at());
}

TEST(SessionRecordTest, TakesTheYear1970AndFarYearsForNever) {
  ::session::Session message;
  message.set_id("s1");
  message.mutable_expires_at()->set_seconds(0);
  message.mutable_oauth_token()->mutable_expires_at()->set_seconds(253402300799);
  const databroker::Value value{.type_url = std::string(kSessionType),
                                .bytes = message.SerializeAsString()};

  const auto session = decode_session(value);

  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->expires_at, std::nullopt);
  EXPECT_EQ(session->valid_until(), WallTime::max());
}

TEST(SessionRecordTest, KeepsTheDevicesItWasProvedToBeOn) {
  SessionRecord session = full_session();
  session.devices = {{.type_id = "any", .credential_id = "c1"},
                     {.type_id = "enclave_only", .credential_id = ""}};

  const databroker::Value value = encode_session(session).value();
  ::session::Session message;
  ASSERT_TRUE(message.ParseFromString(value.bytes));
  EXPECT_TRUE(message.device_credentials(1).has_unavailable());

  const auto read = decode_session(value);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->devices.size(), 2U);
  EXPECT_EQ(read->devices[0].credential_id, "c1");
  EXPECT_EQ(read->devices[1].type_id, "enclave_only");
  EXPECT_EQ(read->devices[1].credential_id, "");
}

TEST(SessionRecordTest, EndsWithAnAccessTokenThatCannotBeRenewed) {
  SessionRecord session = full_session();
  EXPECT_EQ(session.valid_until(), kNow + 14h + Duration(5));

  session.refresh_disabled = true;
  EXPECT_EQ(session.valid_until(), kNow + 1h);

  session.refresh_disabled = false;
  session.oauth_token->refresh_token = Secret();
  EXPECT_EQ(session.valid_until(), kNow + 1h);

  session.oauth_token->expires_at.reset();
  EXPECT_EQ(session.valid_until(), kNow + 14h + Duration(5));
}

TEST(SessionRecordTest, ItsTokensEndOnlyWhereTheyCanBeRenewed) {
  SessionRecord session = full_session();
  EXPECT_EQ(session.tokens_expire_at(), kNow + 1h);

  session.refresh_disabled = true;
  EXPECT_EQ(session.tokens_expire_at(), WallTime::max());

  session.refresh_disabled = false;
  session.oauth_token->expires_at.reset();
  EXPECT_EQ(session.tokens_expire_at(), WallTime::max());
}

TEST(JoinedIdentityTest, OutlivesItsTokensForTheGraceAndNeverItsEnd) {
  IdentityParts parts;
  parts.valid_until = kNow + 14h;
  parts.tokens_expire_at = kNow + 1h;
  const JoinedIdentity identity(std::move(parts));

  EXPECT_TRUE(identity.is_valid(kNow + 1h - 1s, 0s));
  EXPECT_FALSE(identity.is_valid(kNow + 1h, 0s));
  EXPECT_TRUE(identity.is_valid(kNow + 2h - 1s, 1h));
  EXPECT_FALSE(identity.is_valid(kNow + 2h, 1h));
  EXPECT_TRUE(identity.is_valid(kNow + 13h, Duration::max()));
  EXPECT_FALSE(identity.is_valid(kNow + 14h, Duration::max()));
}

// Covers OID-25.
TEST(RecordsTest, RefuseWhatWouldNotReadBack) {
  UserRecord user{.id = "u", .name = "bad \xff", .email = {}, .claims = {}};
  EXPECT_EQ(encode_user(user).error().kind(), ErrorKind::InvalidInput);

  user.name = "good";
  user.claims.push_back({.name = "c", .values = codec::Node::string("\xc3")});
  EXPECT_FALSE(encode_user(user).has_value());

  user.claims[0] = {.name = "\xff", .values = codec::Node::string("x")};
  EXPECT_FALSE(encode_user(user).has_value());

  codec::Node deep = codec::Node::string("x");
  for (int i = 0; i < 45; ++i) {
    deep = codec::Node::list({deep});
  }
  user.claims[0] = {.name = "deep", .values = deep};
  EXPECT_FALSE(encode_user(user).has_value());

  user.claims[0] = {.name = "huge", .values = codec::Node::number("1e400")};
  EXPECT_FALSE(encode_user(user).has_value());
}

TEST(RecordsTest, ReadBackNestingUpToTheLimitTheyWrite) {
  codec::Node deep = codec::Node::string("x");
  for (int i = 0; i < 38; ++i) {
    deep = codec::Node::list({deep});
  }
  const UserRecord user{
      .id = "u", .name = {}, .email = {}, .claims = {{.name = "deep", .values = deep}}};

  const auto read = decode_user(encode_user(user).value());

  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->claims[0].values.equals(deep));
}

TEST(RecordsTest, DoNotReadAValueOfAnotherTypeOrNoMessage) {
  const databroker::Value user =
      encode_user({.id = "u", .name = {}, .email = {}, .claims = {}}).value();

  EXPECT_EQ(decode_session(user).error().kind(), ErrorKind::InvalidInput);
  EXPECT_FALSE(decode_user({.type_url = std::string(kUserType), .bytes = "\xff\xff"}).has_value());
  EXPECT_FALSE(decode_directory_user(user).has_value());
}

TEST(RecordsTest, KeepAServiceAccount) {
  const ServiceAccountRecord account{
      .id = "sa", .user_id = "u", .issued_at = kNow, .expires_at = kNow + 1h};

  const auto read = decode_service_account(encode_service_account(account).value());

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->id, "sa");
  EXPECT_EQ(read->user_id, "u");
  EXPECT_EQ(read->valid_until(), kNow + 1h);
}

TEST(DirectoryRecordsTest, AreStructsWithTheMarkOfWhoWroteThem) {
  DirectoryUser user;
  user.id = "u1";
  user.group_ids = json(R"(["g1","g2"])");
  user.is_from_claim = true;

  const databroker::Value value = encode_directory_user(user).value();
  const auto read = decode_directory_user(value);

  EXPECT_EQ(value.type_url, "type.googleapis.com/google.protobuf.Struct");
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->is_from_claim);
  EXPECT_EQ(read->email, std::nullopt);
  EXPECT_TRUE(read->group_ids.equals(user.group_ids));
}

TEST(DirectoryRecordsTest, FromOutsideAreToldFromOurs) {
  google::protobuf::Struct message;
  (*message.mutable_fields())["id"].set_string_value("u1");
  (*message.mutable_fields())["email"].set_string_value("");
  const databroker::Value value{.type_url = "type.googleapis.com/google.protobuf.Struct",
                                .bytes = message.SerializeAsString()};

  const auto read = decode_directory_user(value);

  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->is_from_claim);
  EXPECT_EQ(read->email, "");
  EXPECT_TRUE(read->group_ids.items().empty());
}

TEST(DirectoryRecordsTest, KeepAGroup) {
  const auto read = decode_directory_group(
      encode_directory_group({.id = "g1", .name = "Engineering", .email = "eng@corp"}).value());

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->name, "Engineering");
}

}  // namespace
}  // namespace vallum::session
