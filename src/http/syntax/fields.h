#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace vallum::http {

// The field names that some code here treats specially, known once when a head is parsed, so that
// nobody compares names again. Ids are for the process only: never stored or sent.
enum class FieldId : std::uint8_t {
  Other,
  Accept,
  AcceptEncoding,
  AccessControlRequestHeaders,
  AccessControlRequestMethod,
  AltSvc,
  Authorization,
  Connection,
  ContentLength,
  ContentType,
  Cookie,
  Date,
  Expect,
  Forwarded,
  Host,
  Http2Settings,
  KeepAlive,
  Location,
  Origin,
  ProxyAuthorization,
  ProxyConnection,
  Referer,
  SecFetchDest,
  SecFetchMode,
  SecFetchSite,
  Server,
  SetCookie,
  StrictTransportSecurity,
  Te,
  Trailer,
  TransferEncoding,
  Upgrade,
  UserAgent,
  Via,
  XForwardedClientCert,
  XForwardedFor,
  XForwardedHost,
  XForwardedProto,
  XPomeriumAuthorization,  // the one name of the family below that a client may send
  XRequestId,
  // Families. A name belongs to one when it does after folding every byte that is no letter and no
  // digit into one, because applications that read headers as environment variables cannot tell
  // X-Pomerium-Claim-Email from x.pomerium_claim-email.
  XPomerium,
  XEnvoy,
  Impersonate,
};

// Requires a token of RFC 9110 5.6.2 (what the parsers call a name always is one).
FieldId field_id(std::string_view name);

// One field line. The name keeps its case; the value has no white space around it.
struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::Other;
};

// The fields of one head, in order, as views into the caller's buffer. Kept and cleared between
// heads, so that a warm connection allocates nothing.
class Fields {
 public:
  void clear() {
    list_.clear();
    present_ = 0;
  }
  void add(const Field& field) {
    list_.push_back(field);
    present_ |= bit(field.id);
  }
  // Looks the name up. Requires a token.
  void add(std::string_view name, std::string_view value) {
    add(Field{.name = name, .value = value, .id = field_id(name)});
  }

  // Whether there is a field of this id; costs one test.
  bool has(FieldId id) const { return (present_ & bit(id)) != 0; }
  // The first field, or null.
  const Field* find(FieldId id) const;
  const Field* find(std::string_view name) const;
  // The value of the first field, or "".
  std::string_view value(FieldId id) const;
  std::size_t count(FieldId id) const;

  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  const Field& operator[](std::size_t at) const { return list_[at]; }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

 private:
  static std::uint64_t bit(FieldId id) { return 1ULL << static_cast<unsigned>(id); }

  std::vector<Field> list_;
  std::uint64_t present_ = 0;
};

// RFC 9110 5.6.2: at least one byte, no separators.
bool is_token(std::string_view text);
// RFC 9110 5.5: visible ASCII, spaces, tabs and bytes from 0x80; no CR, LF, NUL or other control.
bool is_field_value(std::string_view text);

}  // namespace vallum::http
