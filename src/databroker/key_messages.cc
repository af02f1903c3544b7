#include "databroker/key_messages.h"

#include <algorithm>
#include <utility>

#include "codec/json.h"
#include "codec/json_writer.h"

namespace vallum::databroker {
namespace {

Unexpected fail_message() {
  return fail(ErrorKind::InvalidInput,
              "the answer about keys is not one of this version of Vallum");
}

Result<codec::Node> parse(std::string_view text) {
  auto node = codec::parse_json(text,
                                {.bytes_max = 64 * 1024, .depth_max = 8, .nodes_max = 1000},
                                codec::DuplicateKeys::Refuse);
  if (!node || !node->is_map()) {
    return fail_message();
  }
  return *std::move(node);
}

std::optional<std::uint64_t> number(const codec::Node& object, std::string_view name) {
  const codec::Node* node = object.find(name);
  return node == nullptr || !node->is_number() ? std::nullopt : node->as_u64();
}

std::optional<bool> flag(const codec::Node& object, std::string_view name) {
  const codec::Node* node = object.find(name);
  return node == nullptr || !node->is_bool() ? std::nullopt : std::optional(node->text() == "true");
}

std::uint64_t id_number(const crypto::KeyId& id) {
  return load_be64(id.data());
}

crypto::KeyId id_of(std::uint64_t value) {
  crypto::KeyId id{};
  store_be64(value, id.data());
  return id;
}

Result<KeyFacts::Key> read_key(const codec::Node& node) {
  const auto id = node.is_map() ? number(node, "id") : std::nullopt;
  const auto seals = node.is_map() ? flag(node, "seals") : std::nullopt;
  const auto rows = node.is_map() ? number(node, "rows") : std::nullopt;
  if (!id || !seals || !rows) {
    return fail_message();
  }
  KeyFacts::Key key{.id = *id, .made_at = std::nullopt, .seals = *seals, .rows = *rows};
  if (const auto made_at = number(node, "made_at"); made_at && *made_at < 9'000'000'000U) {
    key.made_at = from_unix_seconds(static_cast<std::int64_t>(*made_at));
  }
  return key;
}

}  // namespace

std::string encode_key_facts(const KeyFacts& facts) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object().key("data_keys").begin_array();
  for (const KeyFacts::Key& key : facts.data_keys) {
    json.begin_object().member("id", key.id).member("seals", key.seals).member("rows", key.rows);
    if (key.made_at) {
      json.member("made_at", unix_seconds(*key.made_at));
    }
    json.end_object();
  }
  json.end_array();
  if (facts.wrapped_by) {
    json.member("wrapped_by", id_number(*facts.wrapped_by));
  }
  json.member("active", id_number(facts.active));
  json.member("rows_without_key", facts.rows_without_key).end_object();
  return text;
}

Result<KeyFacts> decode_key_facts(std::string_view text) {
  TRY(const codec::Node node, parse(text));
  KeyFacts facts;
  const codec::Node* keys = node.find("data_keys");
  const auto active = number(node, "active");
  const auto without = number(node, "rows_without_key");
  if (keys == nullptr || !keys->is_list() || !active || !without) {
    return fail_message();
  }
  for (const codec::Node& item : keys->items()) {
    TRY(const auto key, read_key(item));
    facts.data_keys.push_back(key);
  }
  if (const auto wrapped_by = number(node, "wrapped_by")) {
    facts.wrapped_by = id_of(*wrapped_by);
  }
  facts.active = id_of(*active);
  facts.rows_without_key = *without;
  return facts;
}

std::string encode_key_step(const KeysAtRest::Step& step) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object().member("rows", static_cast<std::uint64_t>(step.rows));
  json.member("is_done", step.is_done).end_object();
  return text;
}

Result<KeysAtRest::Step> decode_key_step(std::string_view text) {
  TRY(const codec::Node node, parse(text));
  const auto rows = number(node, "rows");
  const auto is_done = flag(node, "is_done");
  if (!rows || !is_done) {
    return fail_message();
  }
  return KeysAtRest::Step{.rows = static_cast<std::size_t>(*rows), .is_done = *is_done};
}

std::string encode_key_change(bool changed) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object().member("changed", changed).end_object();
  return text;
}

Result<bool> decode_key_change(std::string_view text) {
  TRY(const codec::Node node, parse(text));
  const auto changed = flag(node, "changed");
  return changed ? Result<bool>(*changed) : fail_message();
}

}  // namespace vallum::databroker
