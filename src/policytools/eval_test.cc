#include "policytools/eval.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "support/temp_directory.h"

namespace vallum::policytools {
namespace {

constexpr std::string_view kPasses =
    R"({"id":"p","policy":{"allow":{"or":[{"accept":true}]}},"input":{"http":{"path":"/"}},)"
    R"("expect":{"allow":true,"deny":false,"allow_reasons":["accept"],"deny_reasons":[]}})"
    "\n";
constexpr std::string_view kFails =
    R"({"id":"f","policy":{"allow":{"or":[{"reject":true}]}},"input":{"http":{"path":"/"}},)"
    R"("expect":{"allow":true,"deny":false,"allow_reasons":["accept"],"deny_reasons":[]}})"
    "\n";
constexpr std::string_view kRefused =
    R"({"id":"r","policy":{"permit":{}},"code":"unsupported-action"})"
    "\n";

class EvalTest : public ::testing::Test {
 protected:
  Result<EvalCounts> eval(const std::string& content) {
    auto reader = LineReader::open(write("cases.jsonl", content));
    EXPECT_TRUE(reader.has_value());
    Print print([this](std::string_view text) { printed_.append(text); });
    return eval_cases(*reader, "cases.jsonl", print);
  }
  const std::string& printed() const { return printed_; }

 private:
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = directory_.file(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  testing::TempDirectory directory_;
  std::string printed_;
};

TEST_F(EvalTest, CountsWhatPassesAndShowsWhatFails) {
  const auto counts = eval(std::string(kPasses) + std::string(kFails) + std::string(kRefused));

  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->passed, 2U);
  EXPECT_EQ(counts->failed, 1U);
  EXPECT_EQ(printed(),
            "f failed\n"
            "  expected allow [accept], no deny []\n"
            "  got      no allow [reject], no deny []\n"
            "2 passed, 1 failed\n");
}

TEST_F(EvalTest, ALineThatIsNoCaseIsNamedAndFails) {
  const auto counts = eval(std::string(kPasses) + "\n  \n{\"id\": oops}\n" +
                           std::string(LineReader::kLineBytesMax + 1, 'x') + "\n");

  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->failed, 2U);
  EXPECT_TRUE(printed().starts_with("cases.jsonl:4:8: not JSON: ")) << printed();
  EXPECT_TRUE(printed().contains("cases.jsonl:5:1: the line is longer than "));
  EXPECT_TRUE(printed().ends_with("1 passed, 2 failed\n"));
}

TEST_F(EvalTest, AFileWithoutCasesProvesNothing) {
  const auto counts = eval("\n\n");

  ASSERT_FALSE(counts.has_value());
  EXPECT_TRUE(counts.error().message().contains("holds no case"));
}

}  // namespace
}  // namespace vallum::policytools
