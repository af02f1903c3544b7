#include "databroker/payload.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "databroker/filter.h"
#include "databroker/index_entries.h"
#include "proto/session.pb.h"

namespace vallum::databroker {
namespace {

constexpr std::string_view kStruct = "type.googleapis.com/google.protobuf.Struct";
constexpr std::string_view kSession = "type.googleapis.com/session.Session";

template <class Message>
Value value_of(std::string_view type_url, std::string_view json) {
  Message message;
  const auto read = google::protobuf::util::JsonStringToMessage(std::string(json), &message);
  EXPECT_TRUE(read.ok()) << read.ToString();
  return {.type_url = std::string(type_url), .bytes = message.SerializeAsString()};
}
Value structure(std::string_view json) {
  return value_of<google::protobuf::Struct>(kStruct, json);
}
Value session(std::string_view json) {
  return value_of<::session::Session>(kSession, json);
}

std::vector<std::string> texts(const Value& value, std::string_view path) {
  const auto payload = decode_payload(value);
  EXPECT_TRUE(payload.has_value());
  std::vector<std::string> texts;
  for (const Payload* found : find_at(*payload, field_path(path))) {
    texts.push_back(found->text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(PayloadTest, HoldsTheFieldsOfAKnownMessage) {
  const Value value = session(R"({
    "id": "s1", "userId": "ann", "refreshDisabled": true, "audience": ["a", "b"],
    "expiresAt": "2026-01-02T03:04:05Z", "idToken": {"issuer": "https://idp", "raw": "x.y.z"},
    "claims": {"groups": ["red", "blue"]}})");

  EXPECT_EQ(texts(value, "user_id"), (Texts{"ann"}));
  EXPECT_EQ(texts(value, "userId"), (Texts{"ann"}));
  EXPECT_EQ(texts(value, "refresh_disabled"), (Texts{"true"}));
  EXPECT_EQ(texts(value, "audience"), (Texts{"a", "b"}));
  EXPECT_EQ(texts(value, "expires_at"), (Texts{"2026-01-02T03:04:05Z"}));
  EXPECT_EQ(texts(value, "id_token.issuer"), (Texts{"https://idp"}));
  EXPECT_EQ(texts(value, "claims.groups"), (Texts{"red", "blue"}));
  EXPECT_EQ(texts(value, "oauth_token.access_token"), Texts{});
  EXPECT_EQ(texts(value, "no_such_field"), Texts{});
}

TEST(PayloadTest, GivesAFieldWithoutPresenceItsDefault) {
  EXPECT_EQ(texts(session("{}"), "refresh_disabled"), (Texts{"false"}));
  EXPECT_EQ(texts(session("{}"), "impersonate_session_id"), Texts{});
}

TEST(PayloadTest, WritesNumbersInOneForm) {
  const Value value = structure(R"({"n": [5, 5.0, -0.0, 0.5, 1e300, 9007199254740992]})");

  EXPECT_EQ(texts(value, "n"), (Texts{"5", "5", "0", "0.5", "1e+300", "9007199254740992"}));
}

TEST(PayloadTest, DoesNotLookIntoUnknownTypesAndBrokenValues) {
  EXPECT_FALSE(decode_payload({.type_url = "type.googleapis.com/some.Thing", .bytes = ""}));
  EXPECT_FALSE(decode_payload({.type_url = "session.Session", .bytes = ""}));
  EXPECT_FALSE(decode_payload({.type_url = std::string(kSession), .bytes = "\xff\xff"}));
}

// A Struct of lists within lists, and a text at the end.
Value nested(int levels) {
  google::protobuf::Struct outer;
  google::protobuf::ListValue* at = (*outer.mutable_fields())["a"].mutable_list_value();
  for (int i = 1; i < levels; ++i) {
    at = at->add_values()->mutable_list_value();
  }
  at->add_values()->set_string_value("deep");
  return {.type_url = std::string(kStruct), .bytes = outer.SerializeAsString()};
}

// Covers DBR-12.
TEST(PayloadTest, DoesNotLookBelowItsDepth) {
  const auto within = decode_payload(nested(kPayloadDepthMax - 1));
  const auto below = decode_payload(nested(kPayloadDepthMax + 4));

  ASSERT_TRUE(within.has_value());
  ASSERT_TRUE(below.has_value());
  EXPECT_TRUE(has_text(*within, "deep"));
  EXPECT_FALSE(has_text(*below, "deep"));
  EXPECT_FALSE(decode_payload(nested(5000)).has_value());
}

// One field of a type: its value in a record that is stored, and in one that is patched over it.
struct KnownType {
  const char* name;
  const char* field;
  const char* json = "{}";
  const char* text = "";
};

class KnownTypeTest : public ::testing::TestWithParam<KnownType> {
 protected:
  static Value value(const std::string& json) {
    const auto* const type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(GetParam().name);
    CHECK(type != nullptr);
    const std::unique_ptr<google::protobuf::Message> message(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    const auto read = google::protobuf::util::JsonStringToMessage(json, message.get());
    EXPECT_TRUE(read.ok()) << read.ToString();
    return {.type_url = std::string("type.googleapis.com/") + GetParam().name,
            .bytes = message->SerializeAsString()};
  }
};

TEST_P(KnownTypeTest, IsPatchedAndFilteredByItsFields) {
  const auto [name, field, json, text] = GetParam();
  const Value before = value("{}");

  auto merged = merge_masked(value(json), before, {field});

  ASSERT_TRUE(merged.has_value()) << merged.error().message();
  EXPECT_NE(merged->bytes, before.bytes);
  EXPECT_EQ(texts(*merged, field), (Texts{text}));
  EXPECT_NE(texts(*merge_masked(before, *merged, {field}), field), (Texts{text}));
  EXPECT_FALSE(merge_masked(before, before, {"no_such_field"}).has_value());
}

constexpr KnownType kKnownTypes[] = {
    {"pomerium.device.Type", "name", R"({"name": "n"})", "n"},
    {"pomerium.device.Type",
     "webauthn.options.attestation",
     R"({"webauthn": {"options": {"attestation": "DIRECT"}}})",
     "DIRECT"},
    {"pomerium.device.Enrollment", "user_id", R"({"userId": "u"})", "u"},
    {"pomerium.device.Credential", "webauthn.id", R"({"webauthn": {"id": "aWQ="}})", "aWQ="},
    {"pomerium.device.OwnerCredentialRecord", "owner_id", R"({"ownerId": "aWQ="})", "aWQ="},
    {"pomerium.identity.Provider", "client_id", R"({"clientId": "c"})", "c"},
    {"pomerium.identity.Profile", "provider_id", R"({"providerId": "p"})", "p"},
    {"oauth21.UpstreamOAuthClient", "issuer", R"({"issuer": "i"})", "i"},
    {"oauth21.AuthorizationRequest", "client_id", R"({"clientId": "c"})", "c"},
    {"oauth21.Code", "grant_type", R"({"grantType": "CODE_TYPE_ACCESS"})", "CODE_TYPE_ACCESS"},
    {"oauth21.MCPRefreshToken", "revoked", R"({"revoked": true})", "true"},
    {"ietf.rfc7591.v1.ClientRegistration",
     "request_metadata.client_name",
     R"({"requestMetadata": {"clientName": "n"}})",
     "n"},
    {"registry.ServiceRegistration", "service.endpoint", R"({"service": {"endpoint": "e"}})", "e"},
    {"pomerium.config.Config", "name", R"({"name": "n"})", "n"},
    {"pomerium.config.VersionedConfig", "config.name", R"({"config": {"name": "n"}})", "n"},
    {"pomerium.config.KeyPair",
     "status",
     R"({"status": "KEY_PAIR_STATUS_READY"})",
     "KEY_PAIR_STATUS_READY"},
    {"pomerium.config.Policy", "source_ppl", R"({"sourcePpl": "p"})", "p"},
    {"pomerium.config.Route", "from", R"({"from": "https://a"})", "https://a"},
    {"pomerium.config.Settings", "log_level", R"({"logLevel": "info"})", "info"},
};
INSTANTIATE_TEST_SUITE_P(Types, KnownTypeTest, ::testing::ValuesIn(kKnownTypes));

TEST(MaskTest, ReplacesOnlyTheMaskedFields) {
  const Value stored = session(R"({"id": "s", "userId": "ann", "accessedAt": "2026-01-01T00:00:00Z",
      "idToken": {"raw": "old", "issuer": "i"}, "audience": ["a", "b"]})");
  const Value incoming = session(R"({"id": "evil", "accessedAt": "2026-01-02T00:00:00Z",
      "idToken": {"raw": "new"}, "audience": ["c"]})");

  auto merged = merge_masked(incoming, stored, {"accessed_at", "id_token.raw", "audience"});

  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(texts(*merged, "id"), (Texts{"s"}));
  EXPECT_EQ(texts(*merged, "user_id"), (Texts{"ann"}));
  EXPECT_EQ(texts(*merged, "accessed_at"), (Texts{"2026-01-02T00:00:00Z"}));
  EXPECT_EQ(texts(*merged, "id_token.raw"), (Texts{"new"}));
  EXPECT_EQ(texts(*merged, "id_token.issuer"), (Texts{"i"}));
  EXPECT_EQ(texts(*merged, "audience"), (Texts{"c"}));
}

TEST(MaskTest, ClearsAMaskedFieldThatIsAbsent) {
  const Value stored = session(R"({"id": "s", "accessedAt": "2026-01-01T00:00:00Z",
      "idToken": {"raw": "old"}, "claims": {"a": ["b"]}, "userId": "ann"})");

  auto merged =
      merge_masked(session("{}"), stored, {"accessed_at", "id_token", "claims", "user_id"});

  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(merged->bytes, session(R"({"id": "s"})").bytes);
}

TEST(MaskTest, TakesKeysForPathsOfAStruct) {
  const Value stored = structure(R"({"a": {"x": 1, "y": 2}, "b": 3, "c": 4})");
  const Value incoming = structure(R"({"a": {"x": 9}, "d": {"e": 5}})");

  auto merged = merge_masked(incoming, stored, {"a.x", "c", "d.e", "no.such"});

  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(texts(*merged, "a.x"), (Texts{"9"}));
  EXPECT_EQ(texts(*merged, "a.y"), (Texts{"2"}));
  EXPECT_EQ(texts(*merged, "b"), (Texts{"3"}));
  EXPECT_EQ(texts(*merged, "c"), Texts{});
  EXPECT_EQ(texts(*merged, "d.e"), (Texts{"5"}));
  EXPECT_EQ(texts(*merged, "no"), Texts{});
}

TEST(MaskTest, RefusesWhatItCannotMerge) {
  const Value good = session(R"({"id": "s"})");
  const Value unknown{.type_url = "type.googleapis.com/some.Thing", .bytes = "x"};
  const Value broken{.type_url = std::string(kSession), .bytes = "\xff\xff"};
  const auto kind = [](const Result<Value>& result) {
    return result ? ErrorKind::Internal : result.error().kind();
  };

  EXPECT_EQ(kind(merge_masked(good, good, {})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(good, good, {"no_such_field"})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(good, good, {"id_token.no_such"})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(good, good, {"claims.groups"})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(good, good, {""})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(good, structure("{}"), {"id"})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(unknown, unknown, {"id"})), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(merge_masked(broken, good, {"id"})), ErrorKind::InvalidInput);
}

// Otherwise every record of the type would be found under every value.
TEST(PayloadTest, KnowsEveryTypeWhoseFieldsTheBuiltInOptionsIndex) {
  for (const auto& [type, options] : built_in_options()) {
    const auto payload = decode_payload({.type_url = type, .bytes = ""});

    ASSERT_TRUE(payload.has_value()) << type;
    for (const std::string& field : options.indexable_fields) {
      EXPECT_EQ(find_at(*payload, field_path(field)).size(), 1U) << type << " " << field;
    }
  }
}

TypeOptions indexed_by(std::vector<std::string> fields) {
  return {.capacity = std::nullopt, .indexable_fields = std::move(fields), .ttl = std::nullopt};
}
Record record_of(Value value) {
  return {.type = "t",
          .id = "i",
          .value = std::move(value),
          .version = 1,
          .modified_at = {},
          .deleted_at = std::nullopt};
}

TEST(IndexEntriesTest, AreTheScalarsOfTheIndexableFields) {
  const Record record =
      record_of(structure(R"({"a": ["x", "x", 5, null, {"b": true}], "c": "z"})"));
  const TypeOptions options = indexed_by({"a", "a.b"});

  const auto entries = index_entries(record, &options);

  EXPECT_EQ(entries,
            (std::vector<IndexEntry>{{.field = "a", .value = "5"},
                                     {.field = "a", .value = "x"},
                                     {.field = "a.b", .value = "true"}}));
}

TEST(IndexEntriesTest, AreNoneForTombstonesAndTypesWithoutOptions) {
  Record record = record_of(structure(R"({"a": "x"})"));
  const TypeOptions options = indexed_by({"a"});
  EXPECT_TRUE(index_entries(record, nullptr).empty());

  record.deleted_at = WallTime();
  EXPECT_TRUE(index_entries(record, &options).empty());
}

// The number of entries has a limit, and nothing is lost by it.
TEST(IndexEntriesTest, AreOneForVeryManyValuesAndEveryProbeLooksThere) {
  std::string json = R"({"a": [)";
  for (int i = 0; i < 1000; ++i) {
    json += (i == 0 ? "" : ", ") + std::to_string(i);
  }
  const TypeOptions options = indexed_by({"a"});

  const auto entries = index_entries(record_of(structure(json + "]}")), &options);

  ASSERT_EQ(entries.size(), 1U);
  const auto probes = probes_for("a", "700");
  EXPECT_NE(std::ranges::find(probes, entries.front()), probes.end());
}

// A value must not pass for the mark that stands for every value.
TEST(IndexEntriesTest, KeepAValueThatLooksLikeTheMarkApart) {
  google::protobuf::Struct message;
  (*message.mutable_fields())["a"].set_string_value(std::string("\0any", 4));
  const TypeOptions options = indexed_by({"a"});

  const auto entries = index_entries(
      record_of({.type_url = std::string(kStruct), .bytes = message.SerializeAsString()}),
      &options);

  ASSERT_EQ(entries.size(), 1U);
  const auto probes = probes_for("a", "other");
  EXPECT_EQ(std::ranges::find(probes, entries.front()), probes.end());
}

}  // namespace
}  // namespace vallum::databroker
