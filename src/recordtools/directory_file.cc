#include "recordtools/directory_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <system_error>

#include "base/nearest.h"
#include "base/strings.h"
#include "codec/yaml.h"
#include "recordtools/limits.h"
#include "recordtools/text.h"
#include "session/records.h"

namespace vallum::recordtools {
namespace {

using codec::Node;

constexpr std::string_view kMessageTypes = "type.googleapis.com/";

// Every problem of a file, with its place.
class Problems {
 public:
  explicit Problems(std::string path) : path_(std::move(path)) {}

  void add(codec::Position at, std::string_view text) {
    if (++count_ > kProblemsNamedMax) {
      return;
    }
    append_all(text_,
               {text_.empty() ? "" : "\n",
                path_,
                ":",
                std::to_string(at.line),
                ":",
                std::to_string(at.column),
                ": ",
                text});
  }
  bool empty() const { return count_ == 0; }
  Error error() const {
    const std::string more = count_ > kProblemsNamedMax
                                 ? "\n" + path_ + ": and " +
                                       std::to_string(count_ - kProblemsNamedMax) + " more problems"
                                 : "";
    return {ErrorKind::InvalidInput, text_ + more};
  }

 private:
  std::string path_;
  std::string text_;
  std::size_t count_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string path) : problems_(path) { file_.path = std::move(path); }

  Result<DirectoryFile> read(const Node& document) {
    static constexpr auto kKeys = std::to_array<std::string_view>({"users", "groups", "records"});
    if (!document.is_map() || document.members().empty()) {
      problems_.add(document.position(),
                    "a directory is a mapping of users, groups, records: write 'users: []' for a "
                    "directory without anybody");
    }
    check_keys(document, "a directory", kKeys);
    each_item(document, "users", session::kDirectoryUserType, &Reader::read_user);
    each_item(document, "groups", session::kDirectoryGroupType, &Reader::read_group);
    each_item(document, "records", "", &Reader::read_other);
    return problems_.empty() ? Result<DirectoryFile>(std::move(file_)) : fail(problems_.error());
  }

 private:
  void check_keys(const Node& map, std::string_view what, std::span<const std::string_view> known) {
    for (const Node::Member& member : map.members()) {
      if (std::ranges::find(known, member.key) != known.end()) {
        continue;
      }
      std::string text = std::string(what) + " has no key '" + shown(member.key) + "'";
      if (const auto meant = nearest_name(member.key, known)) {
        text.append(": did you mean '").append(*meant).append("'?");
      } else {
        std::string_view separator = ": write ";
        for (const std::string_view key : known) {
          append_all(text, {separator, key});
          separator = ", ";
        }
      }
      problems_.add(member.position, text);
    }
  }

  void each_item(const Node& document,
                 std::string_view key,
                 std::string_view type,
                 void (Reader::*read_item)(const Node&)) {
    const Node* list = document.find(key);
    if (list == nullptr) {
      return;
    }
    if (!list->is_list()) {
      problems_.add(list->position(),
                    std::string(key) + " is a list: write [] when there are none");
      return;
    }
    if (!type.empty()) {
      file_.types.emplace_back(type);
    }
    for (const Node& item : list->items()) {
      if (item.is_map()) {
        (this->*read_item)(item);
      } else {
        problems_.add(item.position(), std::string(key) + " is a list of mappings");
      }
    }
  }

  // The text of a member; nothing for a member that is not there, or after a problem.
  std::optional<std::string> text_of(const Node& map, std::string_view key, bool is_needed) {
    const Node* node = map.find(key);
    if (node == nullptr) {
      if (is_needed) {
        problems_.add(map.position(), std::string(key) + " is missing");
      }
      return std::nullopt;
    }
    if (!node->is_string()) {
      problems_.add(node->position(),
                    std::string(key) + " is a text: write it in quotes if it looks like a number");
      return std::nullopt;
    }
    if (is_needed && node->text().empty()) {
      problems_.add(node->position(), std::string(key) + " is empty");
      return std::nullopt;
    }
    return node->text();
  }

  void read_user(const Node& item) {
    static constexpr auto kKeys =
        std::to_array<std::string_view>({"id", "email", "display_name", "group_ids"});
    check_keys(item, "a user", kKeys);
    session::DirectoryUser user;
    user.id = text_of(item, "id", true).value_or("");
    user.email = text_of(item, "email", false);
    user.display_name = text_of(item, "display_name", false).value_or("");
    user.group_ids = Node::list({});
    if (const Node* groups = item.find("group_ids")) {
      read_group_ids(*groups, user);
    }
    add(item, session::directory_user_key(user.id), session::encode_directory_user(user));
  }

  void read_group_ids(const Node& groups, session::DirectoryUser& user) {
    const bool are_texts =
        groups.is_list() && std::ranges::all_of(groups.items(), &Node::is_string);
    if (!are_texts) {
      problems_.add(groups.position(),
                    "group_ids is a list of texts: write ids that look like numbers in quotes");
      return;
    }
    std::vector<Node> ids;
    for (const Node& group : groups.items()) {
      const bool is_known = std::ranges::any_of(
          ids, [&group](const Node& known) { return known.text() == group.text(); });
      if (!is_known) {
        ids.push_back(group);
        file_.named_groups.try_emplace(group.text(), group.position());
      }
    }
    user.group_ids = Node::list(std::move(ids));
  }

  void read_group(const Node& item) {
    static constexpr auto kKeys = std::to_array<std::string_view>({"id", "name", "email"});
    check_keys(item, "a group", kKeys);
    const session::DirectoryGroup group{.id = text_of(item, "id", true).value_or(""),
                                        .name = text_of(item, "name", true).value_or(""),
                                        .email = text_of(item, "email", false).value_or("")};
    add(item, session::directory_group_key(group.id), session::encode_directory_group(group));
  }

  void read_other(const Node& item) {
    static constexpr auto kKeys = std::to_array<std::string_view>({"type", "id", "fields"});
    check_keys(item, "a record", kKeys);
    databroker::RecordKey key{.type = text_of(item, "type", true).value_or(""),
                              .id = text_of(item, "id", true).value_or("")};
    const Node* fields = item.find("fields");
    if (fields == nullptr || !fields->is_map()) {
      problems_.add(item.position(), "fields is missing, or no mapping");
      return;
    }
    if (key.type.starts_with(kMessageTypes) || key.type == session::kDirectoryUserType ||
        key.type == session::kDirectoryGroupType) {
      problems_.add(item.position(),
                    "records of the type " + shown(key.type) +
                        " are not written by an import: users and groups have lists of their own, "
                        "the others belong to the proxy");
      return;
    }
    if (!key.type.empty() && !file_.lists(key.type)) {
      file_.types.push_back(key.type);
    }
    add(item, std::move(key), session::encode_fields(*fields));
  }

  void add(const Node& item, databroker::RecordKey key, Result<databroker::Value> value) {
    if (key.id.empty() || key.type.empty()) {
      return;  // that is a problem already
    }
    const databroker::Limits limits;
    if (const auto checked = databroker::check_key(key, limits); !checked) {
      problems_.add(item.position(), checked.error().message());
      return;
    }
    if (!value) {
      problems_.add(item.position(), value.error().message());
      return;
    }
    if (value->bytes.size() > limits.value_bytes_max) {
      problems_.add(item.position(), "it is larger than a record may be, 1 MiB");
      return;
    }
    const auto [first, is_new] = places_.try_emplace(key, item.position());
    if (!is_new) {
      problems_.add(item.position(),
                    "the id '" + shown(key.id) + "' is there twice, first in line " +
                        std::to_string(first->second.line) + ": leave one of them out");
      return;
    }
    file_.wanted.emplace(std::move(key), *std::move(value));
  }

  Problems problems_;
  DirectoryFile file_;
  std::map<databroker::RecordKey, codec::Position> places_;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Unexpected too_large(const std::string& path) {
  return fail(ErrorKind::ResourceExhausted,
              path +
                  ": larger than 32 MiB: split it by kind, into one file of users, one of groups "
                  "and one of records");
}

}  // namespace

bool DirectoryFile::lists(std::string_view type) const {
  return std::ranges::find(types, type) != types.end();
}

Result<DirectoryFile> parse_directory(std::string_view text, std::string path) {
  const auto document =
      codec::parse_yaml(text, {.bytes_max = kDirectoryBytesMax, .nodes_max = kDirectoryNodesMax});
  if (!document) {
    return fail(Error(document.error()).with_context(path));
  }
  return Reader(std::move(path)).read(*document);
}

Result<DirectoryFile> read_directory_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    return fail(ErrorKind::NotFound, path + ": " + std::generic_category().message(errno));
  }
  std::string text;
  std::array<char, 65536> piece{};
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    text.append(piece.data(), got);
    if (text.size() > kDirectoryBytesMax) {
      return too_large(path);
    }
  }
  if (std::ferror(file.get()) != 0) {
    return fail(ErrorKind::NotFound, path + ": " + std::generic_category().message(errno));
  }
  return parse_directory(text, path);
}

}  // namespace vallum::recordtools
