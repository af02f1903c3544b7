#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "codec/base64.h"
#include "databroker/store/sqlite_store.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"

namespace vallum::cli {
namespace {

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class CommandTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = directory_.file(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  std::string configuration() const {
    return write("c.yaml",
                 "routes:\n"
                 "  - from: https://app.example.com\n"
                 "    to: http://127.0.0.1:1\n"
                 "    policy: {allow: {or: [{groups: {has: staff}}]}}\n");
  }
  // What `vallum` with these words does; servers must not start.
  static Ran run_words(const std::vector<std::string>& words) {
    std::vector<const char*> arguments{"vallum"};
    for (const std::string& word : words) {
      arguments.push_back(word.c_str());
    }
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Ran ran;
    ran.exit_code = run(arguments,
                        {.configured = [](const std::string&, unsigned) { return 77; },
                         .development = [](std::span<const char* const>, unsigned) { return 78; }});
    ran.out = ::testing::internal::GetCapturedStdout();
    ran.err = ::testing::internal::GetCapturedStderr();
    return ran;
  }

 private:
  testing::TempDirectory directory_;
};

TEST_F(CommandTest, EvalAnswersByTheWorstCase) {
  const std::string good =
      R"({"id":"p","policy":{"allow":{"or":[{"accept":1}]}},"input":{"http":{"path":"/"}},)"
      R"("expect":{"allow":true,"deny":false,"allow_reasons":["accept"],"deny_reasons":[]}})";

  const Ran passed = run_words({"policy", "eval", "--cases", write("good.jsonl", good + "\n")});
  const Ran failed =
      run_words({"policy", "eval", "--cases", write("bad.jsonl", good + "\n{\"id\":7}\n")});
  const Ran missing = run_words({"policy", "eval", "--cases", "/nowhere.jsonl"});

  EXPECT_EQ(passed.exit_code, 0);
  EXPECT_EQ(passed.out, "1 passed, 0 failed\n");
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_TRUE(failed.out.ends_with("1 passed, 1 failed\n")) << failed.out;
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_EQ(missing.err, "/nowhere.jsonl: No such file or directory\n");
}

TEST_F(CommandTest, ExplainTakesWhoAsksFromItsArguments) {
  const std::string config = configuration();

  const Ran allowed = run_words({"policy",
                                 "explain",
                                 "--config",
                                 config,
                                 "--route",
                                 "app.example.com/x",
                                 "--user",
                                 "a@example.com",
                                 "--groups",
                                 "all,staff",
                                 "--claim",
                                 "plan=gold",
                                 "--ip",
                                 "10.0.0.1",
                                 "--method",
                                 "POST",
                                 "--at",
                                 "2026-03-02T09:30:00Z"});
  const Ran login = run_words(
      {"policy", "explain", "--config", config, "--route", "app.example.com", "--format", "json"});

  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_TRUE(allowed.out.contains("compared with [\"all\", \"staff\"]")) << allowed.out;
  EXPECT_EQ(login.exit_code, 1);
  EXPECT_TRUE(login.out.contains("\"outcome\":\"login\",\"status\":302")) << login.out;
}

TEST_F(CommandTest, WhatCannotBeAskedIsTwoAndSaysWhy) {
  const std::string config = configuration();
  const std::string broken = write("broken.yaml", "routes: 7\n");

  const Ran option = run_words(
      {"policy", "explain", "--config", config, "--route", "app.example.com", "--ip", "x"});
  const Ran file = run_words({"policy", "access", "--config", broken});
  const Ran log = run_words({"policy", "replay", "--config", config, "--log", "/nowhere"});
  const Ran people =
      run_words({"policy", "access", "--config", config, "--directory", "/nowhere.yaml"});
  const Ran nothing = run_words({"policy"});
  const Ran unknown = run_words({"policy", "explain", "--config", config, "--color"});

  EXPECT_EQ(option.exit_code, 2);
  EXPECT_TRUE(option.err.starts_with("--ip: \"x\" is no address"));
  EXPECT_EQ(file.exit_code, 2);
  EXPECT_TRUE(file.err.contains("broken.yaml:1:9: routes: ")) << file.err;
  EXPECT_EQ(log.exit_code, 2);
  EXPECT_EQ(log.err, "/nowhere: No such file or directory\n");
  EXPECT_EQ(people.exit_code, 2);
  EXPECT_TRUE(people.err.starts_with("/nowhere.yaml: ")) << people.err;
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_EQ(unknown.exit_code, 2);
}

TEST_F(CommandTest, ReplayAnswersWhetherAnybodysAccessChanges) {
  const std::string config = configuration();
  const std::string record =
      R"({"message":"authorize check","method":"GET","host":"app.example.com","path":"/",)"
      R"("ip":"10.0.0.1","session-id":"s","user":"u","email":"a@example.com","outcome":")";
  const std::string people = write("people.yaml", "[{email: a@example.com, groups: [staff]}]\n");
  const auto replay = [&](const std::string& outcome) {
    return run_words({"policy",
                      "replay",
                      "--config",
                      config,
                      "--directory",
                      people,
                      "--log",
                      write("log", record + outcome + "\"}\n")});
  };

  const Ran same = replay("allowed");
  const Ran gains = replay("forbidden");

  EXPECT_EQ(same.exit_code, 0) << same.out;
  EXPECT_TRUE(same.out.contains("1 request decided again, 0 would gain access"));
  EXPECT_EQ(gains.exit_code, 1);
  EXPECT_TRUE(gains.out.contains("gains   a@example.com")) << gains.out;
}

TEST_F(CommandTest, AccessListsAndCompares) {
  const std::string config = configuration();
  const std::string older = write("old.yaml",
                                  "routes:\n"
                                  "  - from: https://app.example.com\n"
                                  "    to: http://127.0.0.1:1\n"
                                  "    policy: {allow: {or: [{groups: {has: guests}}]}}\n");

  const Ran list = run_words({"policy", "access", "--config", config});
  const Ran same = run_words({"policy", "access", "--config", config, "--against", config});
  const Ran changed = run_words({"policy", "access", "--config", config, "--against", older});

  EXPECT_EQ(list.exit_code, 0);
  EXPECT_TRUE(list.out.ends_with("c.yaml:2:5)\n  groups staff\n")) << list.out;
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.out, "nothing changes\n");
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_TRUE(changed.out.ends_with("  + groups staff\n  - groups guests\n")) << changed.out;
}

TEST_F(CommandTest, CheckWarnsAboutWhatIsLikelyNotMeant) {
  const std::string open = write("open.yaml",
                                 "routes:\n"
                                 "  - from: https://app.example.com\n"
                                 "    to: http://127.0.0.1:1\n"
                                 "    allow_public_unauthenticated_access: true\n");

  const Ran ran = run_words({"config", "check", open});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_TRUE(ran.out.contains("open.yaml:2:5: warning: anyone reaches this route")) << ran.out;
}

TEST_F(CommandTest, KeysOfAStoreAreListedRotatedAndRewrapped) {
  const std::string secret = codec::encode_base64(Bytes(32, std::byte{1}), codec::Base64::Std);
  const std::string added = codec::encode_base64(Bytes(32, std::byte{2}), codec::Base64::Std);
  const std::string directory = write("lock", "") + ".d";
  const std::string text =
      "shared_secret: " + secret + "\ndatabroker_storage_connection_string: " + directory + "\n";
  const std::string config = write("keys.yaml", text);
  const std::string next =
      write("next.yaml", text + "databroker_encryption_keys: [" + added + "]\n");
  const auto keys = [](const std::string& what, const std::string& file) {
    return run_words({"keys", what, "--config", file});
  };
  EXPECT_EQ(keys("list", config).exit_code, 2);
  EXPECT_TRUE(keys("rotate", config).err.contains("there is no store"));
  testing::SeededEntropy entropy(1);
  ASSERT_TRUE(databroker::SqliteStore::open(
                  {.directory = directory},
                  crypto::KeyEncryptionKeys::derive(Secret(Bytes(32, std::byte{1}))),
                  entropy)
                  .has_value());

  const Ran before = keys("list", config);
  const Ran rotated = keys("rotate", config);
  const Ran after = keys("list", config);
  const Ran mixed = keys("list", next);
  const Ran rewrapped = keys("rewrap", next);
  const Ran refused = keys("list", config);

  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_TRUE(before.out.contains("active")) << before.out;
  EXPECT_EQ(rotated.exit_code, 0) << rotated.err;
  EXPECT_TRUE(rotated.out.contains("older data keys are forgotten")) << rotated.out;
  EXPECT_NE(after.out, before.out);
  EXPECT_TRUE(mixed.out.contains("run 'vallum keys rewrap'")) << mixed.out;
  EXPECT_EQ(rewrapped.exit_code, 0) << rewrapped.err;
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(refused.err.contains("only ")) << refused.err;
  for (const Ran& ran : {before, rotated, after, mixed, rewrapped, refused}) {
    EXPECT_FALSE(ran.out.contains(secret) || ran.err.contains(secret));
    EXPECT_FALSE(ran.out.contains(added) || ran.err.contains(added));
  }
}

TEST_F(CommandTest, AStoreThatAProcessHasIsAskedForThroughItsSocket) {
  const std::string directory = write("lock", "") + ".d";
  const std::string config =
      write("keys.yaml",
            "shared_secret: " + codec::encode_base64(Bytes(32, std::byte{1}), codec::Base64::Std) +
                "\ndatabroker_storage_connection_string: " + directory + "\n");
  testing::SeededEntropy entropy(1);
  const auto store = databroker::SqliteStore::open(
      {.directory = directory},
      crypto::KeyEncryptionKeys::derive(Secret(Bytes(32, std::byte{1}))),
      entropy);
  ASSERT_TRUE(store.has_value());

  const Ran ran = run_words({"keys", "list", "--config", config});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_TRUE(ran.err.contains("vallum.sock")) << ran.err;
  EXPECT_TRUE(ran.err.contains("a process uses the store")) << ran.err;
}

TEST_F(CommandTest, KeysOfAStoreInMemoryAreNone) {
  const Ran ran =
      run_words({"keys", "list", "--config", write("m.yaml", "databroker_storage_type: memory\n")});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_TRUE(ran.err.contains("memory keeps nothing at rest")) << ran.err;
}

TEST_F(CommandTest, EveryCommandHasHelpThatNamesItsExitCodes) {
  for (const std::string command : {"list", "rotate", "rewrap"}) {
    EXPECT_TRUE(run_words({"keys", command, "--help"}).out.contains("Exit code: 0 ")) << command;
  }
  for (const std::string command : {"eval", "explain", "replay", "access"}) {
    const Ran ran = run_words({"policy", command, "--help"});
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_TRUE(ran.out.contains("Exit code: 0 ")) << ran.out;
  }
  EXPECT_TRUE(run_words({"config", "check", "--help"}).out.contains("Exit code: 0 "));
}

TEST_F(CommandTest, WithoutACommandAServerStarts) {
  EXPECT_EQ(run_words({"--config", "c.yaml"}).exit_code, 77);
  EXPECT_EQ(run_words({"-config", "c.yaml"}).exit_code, 77);
  EXPECT_EQ(run_words({"dev"}).exit_code, 78);
}

}  // namespace
}  // namespace vallum::cli
