// The commands that ask a databroker, over a real socket.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "databroker/store/memory_store.h"
#include "support/record_service.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"

namespace vallum::cli {
namespace {

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class RecordCommandTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = directory_.file(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // What `vallum` with these words does, told where the databroker is.
  Ran run_words(std::vector<std::string> words) const {
    words.insert(words.end(),
                 {"--address",
                  service_.address(),
                  "--insecure",
                  "--shared-secret-file",
                  write("secret", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")});
    return run_alone(words);
  }
  static Ran run_alone(const std::vector<std::string>& words) {
    std::vector<const char*> arguments{"vallum"};
    for (const std::string& word : words) {
      arguments.push_back(word.c_str());
    }
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Ran ran;
    ran.exit_code = run(arguments, {});
    ran.out = ::testing::internal::GetCapturedStdout();
    ran.err = ::testing::internal::GetCapturedStderr();
    return ran;
  }
  static std::string users(int count) {
    std::string text = "users:\n";
    for (int i = 0; i < count; ++i) {
      text += "  - {id: u" + std::to_string(i) + ", group_ids: [g]}\n";
    }
    return text;
  }

  testing::TempDirectory directory_;
  testing::SeededEntropy entropy_{5};
  testing::RecordService service_{std::make_unique<databroker::MemoryStore>(entropy_)};
};

TEST_F(RecordCommandTest, TheTokenOfAServiceAccountIsAllOfStandardOutput) {
  const Ran created = run_words(
      {"service-accounts", "create", "--user", "robot", "--expires", "24h", "--description", "ci"});
  const Ran listed = run_words({"service-accounts", "list"});
  const std::string id = created.err.substr(std::string("service account ").size(), 36);
  const Ran revoked = run_words({"service-accounts", "revoke", id});
  const Ran again = run_words({"service-accounts", "revoke", id});

  EXPECT_EQ(created.exit_code, 0) << created.err;
  EXPECT_TRUE(created.out.starts_with("eyJ") && created.out.ends_with("\n")) << created.out;
  EXPECT_EQ(created.out.find('\n'), created.out.size() - 1);
  EXPECT_FALSE(created.err.contains("eyJ"));
  EXPECT_TRUE(listed.out.contains(id) && listed.out.contains("robot")) << listed.out;
  EXPECT_FALSE(listed.out.contains("eyJ"));
  EXPECT_EQ(revoked.exit_code, 0);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_TRUE(again.err.contains("there is no service account with the id " + id));
}

TEST_F(RecordCommandTest, AnImportThatDropsManyMembershipsIsHeldUnlessForced) {
  const std::string many = write("many.yaml", users(10));
  const std::string few = write("few.yaml", users(5));

  const Ran tried = run_words({"directory", "import", many, "--dry-run"});
  const Ran imported = run_words({"directory", "import", many});
  const Ran held = run_words({"directory", "import", few});
  const Ran forced = run_words({"directory", "import", few, "--force"});

  EXPECT_EQ(tried.out,
            "dry run, nothing was written: 10 added, 0 changed, 0 removed, 0 unchanged; 0 of 0 "
            "memberships dropped\n");
  EXPECT_TRUE(imported.out.starts_with("10 added, ")) << imported.out << imported.err;
  EXPECT_EQ(held.exit_code, 1);
  EXPECT_EQ(held.out, "");
  EXPECT_TRUE(held.err.contains("5 of 10 memberships")) << held.err;
  EXPECT_EQ(forced.exit_code, 0);
  EXPECT_TRUE(forced.out.contains("5 removed")) << forced.out;
}

TEST_F(RecordCommandTest, SessionsAreSaidToBeMissing) {
  const Ran listed = run_words({"sessions", "list", "--email", "a@example.com"});
  const Ran shown = run_words({"sessions", "show", "s1"});
  const Ran revoked = run_words({"sessions", "revoke", "s1"});
  const Ran of_user = run_words({"sessions", "revoke", "--user", "u1"});
  const Ran of_nobody = run_words({"sessions", "revoke"});

  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_TRUE(listed.out.starts_with("ID  USER  ")) << listed.out;
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_EQ(revoked.exit_code, 1);
  EXPECT_EQ(of_user.exit_code, 1);
  EXPECT_EQ(of_user.err, "0 sessions of user u1 are revoked\n");
  EXPECT_EQ(of_nobody.exit_code, 2);
}

TEST_F(RecordCommandTest, WithoutADatabrokerNothingIsTried) {
  const Ran unnamed = run_alone({"sessions", "list"});
  const Ran unreadable = run_words({"directory", "import", write("d.yaml", "users: [{idd: a}]\n")});

  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_TRUE(unnamed.err.contains("--config FILE")) << unnamed.err;
  EXPECT_EQ(unreadable.exit_code, 2);
  EXPECT_TRUE(unreadable.err.contains("d.yaml:1:10: a user has no key 'idd'")) << unreadable.err;
}

TEST_F(RecordCommandTest, HelpNamesTheCommandsAndTheirOptions) {
  const Ran all = run_alone({"--help"});
  const Ran import = run_alone({"directory", "import", "--help"});

  EXPECT_TRUE(all.out.contains("service-accounts") && all.out.contains("sessions")) << all.out;
  EXPECT_EQ(import.exit_code, 0);
  for (const char* option : {"--config", "--address", "--dry-run", "--force", "Exit code"}) {
    EXPECT_TRUE(import.out.contains(option)) << option;
  }
}

}  // namespace
}  // namespace vallum::cli
