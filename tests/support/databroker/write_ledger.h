#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "databroker/record.h"
#include "databroker/store/store.h"

namespace vallum::testing {

// What became of a write, for whoever asked for it.
enum class Said : std::uint32_t { Acknowledged, NotWritten, Unknown, SomethingElse };

// One step of a writer, as it tells of it: small enough that a pipe takes it whole.
struct WriteNote {
  std::uint32_t writer = 0;
  std::uint32_t step = 0;
  Said said = Said::SomethingElse;
  std::uint32_t unused = 0;
  std::uint64_t version = 0;  // of the batch's last record
};

// What many writers were told of their writes, and so what a store has to hold, whatever was killed
// meanwhile. Each writer has records of its own and makes one step after the other: records that
// stay, records that are overwritten and deleted again and again, and records that are deleted for
// good, some of them in one batch with another write.
class WriteLedger {
 public:
  static constexpr const char* kType = "type.example/Thing";

  explicit WriteLedger(std::uint32_t writers) : writers_(writers) {}

  static databroker::Batch batch_of(std::uint32_t writer, std::uint32_t step) {
    const std::string mine = std::to_string(writer) + "/";
    const std::string number = std::to_string(step);
    const std::string slot = mine + "slot" + std::to_string(step % 7);
    databroker::Batch batch;
    switch (step % 6) {
      case 0:
        batch.push_back(put(mine + "stays" + number, number));
        break;
      case 1:
      case 3:
        batch.push_back(put(slot, number));
        break;
      case 2:
        batch.push_back(put(mine + "goes" + number, number));
        break;
      case 4:
        batch.push_back(remove(slot));
        break;
      default:
        batch.push_back(remove(mine + "goes" + std::to_string(step - 3)));
        batch.push_back(put(slot, number));
    }
    return batch;
  }

  void note(const WriteNote& note) {
    Writer& writer = writers_[note.writer];
    EXPECT_EQ(note.step, writer.next) << "writer " << note.writer;
    writer.next = note.step + 1;
    switch (note.said) {
      case Said::Acknowledged:
        ++acknowledged_;
        EXPECT_TRUE(versions_.insert(note.version).second) << note.version << " was used twice";
        EXPECT_GT(note.version, writer.version);
        writer.version = note.version;
        for (Contents& possible : writer.possible) {
          apply(possible, note.writer, note.step);
        }
        break;
      case Said::NotWritten:
        break;
      case Said::Unknown:
        doubt(note.writer, note.step);
        break;
      case Said::SomethingElse:
        ADD_FAILURE() << "step " << note.step << " of writer " << note.writer;
    }
  }
  // The process of that writer was killed. Its next write may have happened, and is not made again.
  void cut_off(std::uint32_t writer) { doubt(writer, writers_[writer].next++); }

  std::size_t acknowledged() const { return acknowledged_; }
  std::uint32_t next_step(std::uint32_t writer) const { return writers_[writer].next; }

  // That the store holds what it has to of every writer. Those whose writes were in doubt go on
  // from what is there.
  void compare_with(databroker::Store& store) {
    EXPECT_GE(store.state().latest_version, versions_.empty() ? 0 : *versions_.rbegin());
    std::vector<Contents> stored(writers_.size());
    databroker::Page page;
    for (;;) {
      const auto records = store.list(kType, page);
      ASSERT_TRUE(records.has_value()) << records.error().message();
      for (const databroker::Record& record : *records) {
        stored.at(writer_of(record.id)).emplace(record.id, record.value.bytes);
        page.after_version = record.version;
      }
      if (records->size() < page.records_max) {
        break;
      }
    }
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      std::vector<Contents>& possible = writers_[i].possible;
      EXPECT_TRUE(std::ranges::find(possible, stored[i]) != possible.end())
          << differences(possible, stored[i]);
      possible = {stored[i]};
    }
  }

 private:
  using Contents = std::map<std::string, std::string>;
  struct Writer {
    std::uint32_t next = 0;
    std::uint64_t version = 0;
    // More than one when nobody can say what became of a write.
    std::vector<Contents> possible = {{}};
  };

  static std::size_t writer_of(std::string_view id) {
    return parse_u64(id.substr(0, id.find('/'))).value_or(SIZE_MAX);
  }
  static databroker::RecordKey key(std::string id) { return {.type = kType, .id = std::move(id)}; }
  static databroker::Write put(std::string id, const std::string& number) {
    return databroker::Write::put(key(std::move(id)),
                                  {.type_url = kType, .bytes = number + std::string(200, 'v')});
  }
  static databroker::Write remove(std::string id) {
    return databroker::Write::remove(key(std::move(id)));
  }
  static void apply(Contents& contents, std::uint32_t writer, std::uint32_t step) {
    for (databroker::Write& write : batch_of(writer, step)) {
      if (write.value) {
        contents[write.id] = std::move(write.value->bytes);
      } else {
        contents.erase(write.id);
      }
    }
  }
  void doubt(std::uint32_t writer, std::uint32_t step) {
    std::vector<Contents>& possible = writers_[writer].possible;
    const std::size_t before = possible.size();
    for (std::size_t i = 0; i < before; ++i) {
      possible.push_back(possible[i]);
      apply(possible.back(), writer, step);
    }
  }
  static std::string differences(const std::vector<Contents>& possible, const Contents& stored) {
    std::string text;
    for (const auto& [id, bytes] : possible.front()) {
      const auto found = stored.find(id);
      if (found == stored.end() || found->second != bytes) {
        text += (found == stored.end() ? " lost " : " other ") + id;
      }
    }
    for (const auto& [id, bytes] : stored) {
      text += possible.front().contains(id) ? "" : " came back " + id;
    }
    return text + " (" + std::to_string(possible.size()) + " possible)";
  }

  std::vector<Writer> writers_;
  std::size_t acknowledged_ = 0;
  std::set<std::uint64_t> versions_;
};

}  // namespace vallum::testing
