#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recordtools/directory_file.h"
#include "recordtools/directory_plan.h"
#include "recordtools/limits.h"
#include "session/records.h"
#include "support/temp_directory.h"

namespace vallum::recordtools {
namespace {

std::string refusal(const std::string& text) {
  const auto file = parse_directory(text, "d.yaml");
  return file ? "" : std::string(file.error().message());
}

DirectoryFile file_of(const std::string& text) {
  auto file = parse_directory(text, "d.yaml");
  EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message());
  return file ? *std::move(file) : DirectoryFile();
}

// The records that a databroker holds after the import of a text.
std::vector<databroker::Record> records_of(const std::string& text) {
  std::vector<databroker::Record> records;
  for (auto& [key, value] : file_of(text).wanted) {
    records.push_back({.type = key.type,
                       .id = key.id,
                       .value = value,
                       .version = 1,
                       .modified_at = {},
                       .deleted_at = std::nullopt});
  }
  return records;
}

// The writes in their order: "put TYPE ID" and "remove TYPE ID", types by their last word.
std::vector<std::string> steps_of(const DirectoryPlan& plan) {
  std::vector<std::string> steps;
  for (const databroker::Batch& batch : plan.batches) {
    for (const databroker::Write& write : batch) {
      steps.push_back((write.value ? "put " : "remove ") +
                      write.type.substr(write.type.rfind('/') + 1) + " " + write.id);
    }
  }
  return steps;
}

using Steps = std::vector<std::string>;

std::string users(int count, const std::string& group) {
  std::string text = "users:\n";
  for (int i = 0; i < count; ++i) {
    text += "  - {id: u" + std::to_string(i) + ", group_ids: [" + group + "]}\n";
  }
  return text;
}

TEST(DirectoryFileTest, ReadsYamlAndJson) {
  const std::string json =
      R"({"users": [{"id": "u1", "email": "a@example.com", "display_name": "A",)"
      R"( "group_ids": ["g", "g"]}], "groups": [{"id": "g", "name": "Staff"}],)"
      R"( "records": [{"type": "example.com/Device", "id": "d", "fields": {"owner": "u1"}}]})";

  DirectoryFile file = file_of(json);

  EXPECT_EQ(file.types,
            (std::vector<std::string>{
                "pomerium.io/DirectoryUser", "pomerium.io/DirectoryGroup", "example.com/Device"}));
  EXPECT_EQ(file.wanted.size(), 3U);
  const auto user = session::decode_directory_user(file.wanted[session::directory_user_key("u1")]);
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->email, "a@example.com");
  EXPECT_EQ(user->group_ids.items().size(), 1U);
  EXPECT_FALSE(user->is_from_claim);
}

TEST(DirectoryFileTest, NamesEveryProblemWithItsPlaceAndCure) {
  const std::string why = refusal(
      "user: []\n"
      "users:\n"
      "  - {id: u1, emial: a@example.com}\n"
      "  - {id: 7}\n"
      "  - {email: x}\n"
      "  - {id: u1}\n"
      "  - {id: u2, group_ids: [7]}\n"
      "groups: {}\n"
      "records:\n"
      "  - {type: type.googleapis.com/session.Session, id: s, fields: {}}\n"
      "  - {type: example.com/T, id: t}\n");

  for (const char* expected : {
           "d.yaml:1:1: a directory has no key 'user': did you mean 'users'?",
           "d.yaml:3:14: a user has no key 'emial': did you mean 'email'?",
           "d.yaml:4:10: id is a text: write it in quotes if it looks like a number",
           "d.yaml:5:5: id is missing",
           "d.yaml:6:5: the id 'u1' is there twice, first in line 3: leave one of them out",
           "d.yaml:7:25: group_ids is a list of texts: write ids that look like numbers in quotes",
           "d.yaml:8:9: groups is a list: write [] when there are none",
           "d.yaml:10:5: records of the type type.googleapis.com/session.Session are not written",
           "d.yaml:11:5: fields is missing, or no mapping",
       }) {
    EXPECT_TRUE(why.contains(expected)) << expected << "\nin\n" << why;
  }
}

// The example of the document that operators read.
TEST(DirectoryFileTest, ReadsTheDocumentedExample) {
  std::ifstream in("docs/directory.md", std::ios::binary);
  const std::string document{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::string fence = "```yaml\n";
  const std::size_t begin = document.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = document.find("```", begin + fence.size());

  const DirectoryFile file =
      file_of(document.substr(begin + fence.size(), end - begin - fence.size()));

  EXPECT_EQ(file.wanted.size(), 4U);
  EXPECT_TRUE(plan_import(file, {}).warnings.empty());
}

TEST(DirectoryFileTest, RefusesAFileThatIsNoDirectory) {
  EXPECT_TRUE(refusal("").contains("d.yaml:1:1: a directory is a mapping"));
  EXPECT_TRUE(refusal("[]").contains("a directory is a mapping"));
  EXPECT_TRUE(refusal("users: [a]").contains("users is a list of mappings"));
  EXPECT_TRUE(refusal("users: [").starts_with("d.yaml: "));
}

TEST(DirectoryFileTest, CountsProblemsBeyondThoseItNames) {
  std::string text = "users:\n";
  for (std::size_t i = 0; i < kProblemsNamedMax + 5; ++i) {
    text += "  - {}\n";
  }

  EXPECT_TRUE(refusal(text).ends_with("d.yaml: and 5 more problems"));
}

TEST(DirectoryFileTest, RefusesAFileOfAHundredMegabytes) {
  const testing::TempDirectory directory;
  const std::string path = directory.file("d.yaml");
  {
    std::ofstream out(path, std::ios::binary);
    out.seekp((100 << 20) - 1);
    out.put('\n');
  }

  const auto file = read_directory_file(path);

  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().kind(), ErrorKind::ResourceExhausted);
  EXPECT_TRUE(file.error().message().starts_with(path + ": larger than 32 MiB: split it"));
  EXPECT_EQ(read_directory_file(directory.file("none")).error().kind(), ErrorKind::NotFound);
}

TEST(DirectoryPlanTest, WritesOnlyWhatChanges) {
  const std::string before =
      "users: [{id: a, group_ids: [g]}, {id: b, group_ids: [g]}, {id: c}]\n"
      "groups: [{id: g, name: G}, {id: old, name: Old}]\n";
  const std::string after =
      "users: [{id: a, group_ids: [g]}, {id: b, group_ids: [g, new]}, {id: d}]\n"
      "groups: [{id: g, name: G}, {id: new, name: New}]\n";

  const DirectoryPlan plan = plan_import(file_of(after), records_of(before));

  EXPECT_EQ(steps_of(plan),
            (Steps{"remove DirectoryUser c",
                   "put DirectoryGroup new",
                   "put DirectoryUser b",
                   "put DirectoryUser d",
                   "remove DirectoryGroup old"}));
  EXPECT_EQ(plan.batches.size(), 1U);
  EXPECT_EQ(plan.summary(),
            "2 added, 1 changed, 2 removed, 2 unchanged; 0 of 2 memberships dropped\n");
  EXPECT_TRUE(plan_import(file_of(after), records_of(after)).is_empty());
}

TEST(DirectoryPlanTest, LeavesTypesAloneThatTheFileDoesNotList) {
  const auto before = records_of(
      "users: [{id: a, group_ids: [g]}]\n"
      "records: [{type: example.com/T, id: t, fields: {}}]\n");

  EXPECT_TRUE(plan_import(file_of("groups: []"), before).is_empty());
  EXPECT_EQ(steps_of(plan_import(file_of("users: []"), before)), Steps{"remove DirectoryUser a"});
  EXPECT_EQ(steps_of(plan_import(file_of("records: [{type: example.com/T, id: u, fields: {x: 1}}]"),
                                 before)),
            (Steps{"put T u", "remove T t"}));
}

// What sign-in wrote is replaced by what a directory says, and never missed by it.
TEST(DirectoryPlanTest, TellsRecordsOfSignInApart) {
  session::DirectoryUser claimed;
  claimed.id = "a";
  claimed.group_ids = codec::Node::list({codec::Node::string("g"), codec::Node::string("h")});
  claimed.is_from_claim = true;
  databroker::Record record{.type = std::string(session::kDirectoryUserType),
                            .id = "a",
                            .value = *session::encode_directory_user(claimed),
                            .version = 1,
                            .modified_at = {},
                            .deleted_at = std::nullopt};

  const DirectoryPlan missing = plan_import(file_of("users: []"), {record});
  const DirectoryPlan replaced = plan_import(file_of("users: [{id: a}]"), {record});

  EXPECT_TRUE(missing.is_empty());
  EXPECT_EQ(steps_of(replaced), Steps{"put DirectoryUser a"});
  EXPECT_EQ(replaced.replaced_claims, 1U);
  EXPECT_EQ(replaced.memberships, 0U);
  EXPECT_FALSE(replaced.drops_too_many());
}

TEST(DirectoryPlanTest, HoldsAnImportThatDropsMoreThanAFifthOfTheMemberships) {
  const auto before = records_of(users(10, "g"));

  const DirectoryPlan two = plan_import(file_of(users(8, "g")), before);
  const DirectoryPlan three = plan_import(file_of(users(7, "g")), before);
  const DirectoryPlan moved = plan_import(file_of(users(10, "h")), before);

  EXPECT_EQ(two.memberships_dropped, 2U);
  EXPECT_FALSE(two.drops_too_many());
  EXPECT_EQ(three.memberships_dropped, 3U);
  EXPECT_TRUE(three.drops_too_many());
  EXPECT_EQ(moved.memberships_dropped, 10U);
  EXPECT_TRUE(moved.drops_too_many());
  EXPECT_FALSE(plan_import(file_of(users(3, "g")), {}).drops_too_many());
}

TEST(DirectoryPlanTest, WarnsOfGroupsThatNobodyDefines) {
  const DirectoryPlan plan = plan_import(file_of("groups: [{id: g, name: G}]\n"
                                                 "users:\n"
                                                 "  - {id: a, group_ids: [g, x]}\n"),
                                         {});

  ASSERT_EQ(plan.warnings.size(), 1U);
  EXPECT_TRUE(plan.warnings[0].starts_with("d.yaml:3:28: warning: no group has the id 'x'"))
      << plan.warnings[0];
  EXPECT_TRUE(plan_import(file_of("users: [{id: a, group_ids: [x]}]"), {}).warnings.empty());
}

// Each record is in one write, groups before users, none of them too large.
TEST(DirectoryPlanTest, SplitsALargeImportIntoWritesTheDatabrokerTakes) {
  std::string text = users(2500, "g") + "groups: [{id: g, name: G}]\n" + "records:\n";
  const std::string large(300'000, 'x');
  for (int i = 0; i < 5; ++i) {
    text +=
        "  - {type: example.com/T, id: t" + std::to_string(i) + ", fields: {x: " + large + "}}\n";
  }

  const DirectoryPlan plan = plan_import(file_of(text), {});

  EXPECT_EQ(steps_of(plan).size(), 2506U);
  EXPECT_TRUE(steps_of(plan).front().starts_with("put T "));
  EXPECT_EQ(steps_of(plan)[5], "put DirectoryGroup g");
  for (const databroker::Batch& batch : plan.batches) {
    EXPECT_TRUE(databroker::check_batch(batch, {}).has_value());
    std::size_t bytes = 0;
    for (const databroker::Write& write : batch) {
      bytes += write.value->bytes.size();
    }
    EXPECT_LE(bytes, kImportBytesMax);
  }
}

}  // namespace
}  // namespace vallum::recordtools
