#include "databroker/key_messages.h"

#include <gtest/gtest.h>

namespace vallum::databroker {
namespace {

TEST(KeyMessagesTest, FactsComeBackAsTheyWereSent) {
  KeyFacts facts;
  facts.data_keys = {{.id = 0xffff'ffff'ffff'fff0U,
                      .made_at = from_unix_seconds(1'800'000'000),
                      .seals = true,
                      .rows = 3},
                     {.id = 1, .made_at = std::nullopt, .seals = false, .rows = 0}};
  facts.wrapped_by = crypto::KeyId{std::byte{0xff}, std::byte{1}};
  facts.active = crypto::KeyId{std::byte{2}};
  facts.rows_without_key = 7;

  const auto read = decode_key_facts(encode_key_facts(facts));

  ASSERT_TRUE(read.has_value()) << read.error().message();
  ASSERT_EQ(read->data_keys.size(), 2U);
  EXPECT_EQ(read->data_keys[0].id, facts.data_keys[0].id);
  EXPECT_EQ(read->data_keys[0].made_at, facts.data_keys[0].made_at);
  EXPECT_TRUE(read->data_keys[0].seals);
  EXPECT_EQ(read->data_keys[0].rows, 3U);
  EXPECT_FALSE(read->data_keys[1].made_at.has_value());
  EXPECT_EQ(read->wrapped_by, facts.wrapped_by);
  EXPECT_EQ(read->active, facts.active);
  EXPECT_EQ(read->rows_without_key, 7U);
}

TEST(KeyMessagesTest, StepsAndChangesComeBack) {
  const auto step = decode_key_step(encode_key_step({.rows = 500, .is_done = false}));
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->rows, 500U);
  EXPECT_FALSE(step->is_done);
  EXPECT_TRUE(decode_key_step(encode_key_step({.rows = 0, .is_done = true}))->is_done);
  EXPECT_TRUE(*decode_key_change(encode_key_change(true)));
  EXPECT_FALSE(*decode_key_change(encode_key_change(false)));
}

TEST(KeyMessagesTest, OtherAnswersAreRefused) {
  for (const char* text : {"", "[]", "{}", "{\"changed\":1}", "{\"data_keys\":[1],\"active\":1}"}) {
    EXPECT_FALSE(decode_key_facts(text).has_value()) << text;
    EXPECT_FALSE(decode_key_step(text).has_value()) << text;
    EXPECT_FALSE(decode_key_change(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace vallum::databroker
