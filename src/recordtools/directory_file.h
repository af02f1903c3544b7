#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/node.h"
#include "databroker/record.h"

namespace vallum::recordtools {

// What a file says a directory holds:
//
//   users: [{id, email, display_name, group_ids}]
//   groups: [{id, name, email}]
//   records: [{type, id, fields}]
struct DirectoryFile {
  std::string path;
  // Types that the file lists: it has all of their records.
  std::vector<std::string> types;
  std::map<databroker::RecordKey, databroker::Value> wanted;
  // Where a group is first named as somebody's.
  std::map<std::string, codec::Position> named_groups;

  bool lists(std::string_view type) const;
};

// YAML or JSON. The error is every problem, one a line: file, line, column, and what to write
// instead. ResourceExhausted for a file that is too large. Blocks.
Result<DirectoryFile> read_directory_file(const std::string& path);
// The same of a text.
Result<DirectoryFile> parse_directory(std::string_view text, std::string path);

}  // namespace vallum::recordtools
