#include "policytools/line_reader.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/temp_directory.h"

namespace vallum::policytools {
namespace {

class LineReaderTest : public ::testing::Test {
 protected:
  // The lines of a file with this content; a line that is too long is "too long".
  std::vector<std::string> lines_of(const std::string& content) {
    const std::string path = write("lines", content);
    auto reader = LineReader::open(path);
    EXPECT_TRUE(reader.has_value());
    std::vector<std::string> lines;
    while (reader) {
      const auto line = reader->next();
      if (!line || !*line) {
        EXPECT_TRUE(line.has_value());
        break;
      }
      EXPECT_EQ((*line)->number, lines.size() + 1);
      lines.emplace_back((*line)->is_too_long ? "too long" : std::string((*line)->text));
    }
    return lines;
  }

 private:
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = directory_.file(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  testing::TempDirectory directory_;
};

using Lines = std::vector<std::string>;

TEST_F(LineReaderTest, GivesLinesWithoutTheirEnds) {
  EXPECT_EQ(lines_of(""), Lines());
  EXPECT_EQ(lines_of("a"), Lines{"a"});
  EXPECT_EQ(lines_of("a\n\nb\r\nc\n"), (Lines{"a", "", "b", "c"}));
}

TEST_F(LineReaderTest, LinesOfAnySizeUpToTheLimitAreWhole) {
  const std::string longest(LineReader::kLineBytesMax, 'x');

  EXPECT_EQ(lines_of("a\n" + longest + "\nb"), (Lines{"a", longest, "b"}));
}

TEST_F(LineReaderTest, ALineThatIsTooLongIsSkippedAndTheNextIsRead) {
  const std::string huge(3 * LineReader::kLineBytesMax, 'x');

  EXPECT_EQ(lines_of("a\n" + huge + "\nb\n"), (Lines{"a", "too long", "b"}));
  EXPECT_EQ(lines_of(huge), Lines{"too long"});
  EXPECT_EQ(lines_of(std::string(LineReader::kLineBytesMax + 1, 'x') + "\nb"),
            (Lines{"too long", "b"}));
}

TEST_F(LineReaderTest, AFileThatIsNotThereSaysWhy) {
  const auto reader = LineReader::open("/nowhere/at/all");

  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().message(), "No such file or directory");
}

}  // namespace
}  // namespace vallum::policytools
