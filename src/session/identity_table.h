#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "databroker/store/store.h"
#include "session/joined_identity.h"

namespace vallum::session {

// What is known of a session.
struct KnownIdentity {
  // Null: it does not exist, has ended, or cannot be used.
  IdentityRef identity;
  bool is_service_account = false;
  databroker::StoreState as_of;
  // The newest version a handle asked for and got: one that the store will never reach, because it
  // was restored from a backup, must not cost a look-up per request.
  std::uint64_t asked_version = 0;
};

// Identities by session id, by user and by e-mail address, at most `max` of them. When it is full,
// the next one that was not asked for since it was last passed over makes place for a new one. Made
// for a million: looking one up touches as little memory as can be, and never allocates.
class IdentityTable {
 public:
  // `max` is 1 to 2^31. Takes 24 bytes for each at once.
  explicit IdentityTable(std::size_t max);
  IdentityTable(const IdentityTable&) = delete;
  IdentityTable& operator=(const IdentityTable&) = delete;

  // Null when there is none. Until the next change. Counts as use.
  const KnownIdentity* find(std::string_view session_id);

  // In place of what is known of the session.
  void put(std::string_view session_id, KnownIdentity known);
  void erase(std::string_view session_id);
  // What was read before this version: all of a user, or of a user's e-mail address.
  void erase_user(std::string_view user_id, std::uint64_t version);
  void erase_email(std::string_view email, std::uint64_t version);
  void clear();

  std::size_t size() const { return size_; }

 private:
  using Number = std::uint32_t;
  static constexpr Number kNone = ~Number{0};
  static constexpr std::size_t kChunk = 1024;

  enum class Index : std::uint8_t { Session, User, Email };
  static constexpr std::size_t kIndexes = 3;

  // Place in a chain of those with one bucket.
  struct Link {
    Number next = kNone;
    Number previous = kNone;  // kNone for the first
  };
  // Two cache lines, which are fetched together: what tells whether it is the one, and what is
  // known.
  struct alignas(128) Slot {
    // Longer ids than UUIDs lie elsewhere.
    static constexpr std::size_t kIdMax = 36;

    std::array<Link, kIndexes> links;
    std::array<char, kIdMax> id{};
    std::uint8_t id_size = 0;
    bool was_asked = false;
    KnownIdentity known;
    std::unique_ptr<const std::string> long_id;

    std::string_view session_id() const {
      return long_id == nullptr ? std::string_view(id.data(), id_size) : std::string_view(*long_id);
    }
    // Of an identity that has none of it: "".
    std::string_view key(Index index) const;
  };

  // Where the chain of a bucket of session ids begins.
  struct SessionHead {
    // Of the first slot of the chain, never read through here: a look-up has it fetched while it
    // waits for the slot, which says where it is but lies elsewhere.
    const void* identity = nullptr;
    Number first = kNone;
  };

  SessionHead& session_head(std::string_view session_id);
  Number first(Index index, std::string_view key);
  void set_first(Index index, std::string_view key, Number number);
  Slot& slot(Number number) { return (*chunks_[number / kChunk])[number % kChunk]; }
  Number find_number(std::string_view session_id);
  // A slot that is not used, which may push out another.
  Number take();
  void link(Index index, Number number);
  void unlink(Index index, Number number);
  void erase(Number number);
  void erase_all(Index index, std::string_view key, std::uint64_t version);

  std::size_t max_;
  std::size_t mask_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;  // made so far
  Number free_ = kNone;    // chained by their first link
  Number hand_ = 0;
  std::vector<SessionHead> session_heads_;
  std::array<std::vector<Number>, kIndexes> heads_;  // of the other indexes
  std::vector<std::unique_ptr<std::array<Slot, kChunk>>> chunks_;
};

}  // namespace vallum::session
