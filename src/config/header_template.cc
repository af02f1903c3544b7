#include "config/header_template.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "config/reading.h"

namespace vallum::config {

namespace {

using Kind = HeaderPiece::Kind;
using Names = std::vector<std::string>;

bool starts_name(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '_';
}

// Length of a name at the front; 0 when there is none.
std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  if (text.empty() || !starts_name(text.front())) {
    return 0;
  }
  while (length < text.size() && (starts_name(text[length]) || text[length] == '-')) {
    ++length;
  }
  return length;
}

std::size_t blanks(std::string_view text) {
  return std::min(text.find_first_not_of(" \t"), text.size());
}

// Each of these takes what it reads off the front of `text` and adds the names in it. False when it
// is not there; then `text` is spent.
bool take_name(std::string_view& text, Names& names) {
  const std::size_t length = name_length(text);
  names.emplace_back(text.substr(0, length));
  text.remove_prefix(length);
  return length > 0;
}

// ["string"], where a backslash stands before the byte that is meant.
bool take_index(std::string_view& text, Names& names) {
  text.remove_prefix(1);
  text.remove_prefix(blanks(text));
  if (!text.starts_with('"')) {
    return false;
  }
  std::string name;
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    at += text[at] == '\\' && at + 1 < text.size() ? 1U : 0U;
    name.push_back(text[at]);
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  text.remove_prefix(blanks(text));
  if (!text.starts_with(']')) {
    return false;
  }
  text.remove_prefix(1);
  names.push_back(std::move(name));
  return true;
}

// What follows "$" in $name(.name)*.
bool take_bare(std::string_view& text, Names& names) {
  if (!take_name(text, names)) {
    return false;
  }
  while (text.starts_with('.') && name_length(text.substr(1)) > 0) {
    text.remove_prefix(1);
    take_name(text, names);
  }
  return true;
}

// What follows "${" up to and with "}".
bool take_braced(std::string_view& text, Names& names) {
  text.remove_prefix(blanks(text));
  if (!take_name(text, names)) {
    return false;
  }
  while (true) {
    text.remove_prefix(blanks(text));
    if (text.starts_with('}')) {
      text.remove_prefix(1);
      return true;
    }
    bool taken = false;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      text.remove_prefix(blanks(text));
      taken = take_name(text, names);
    } else if (text.starts_with('[')) {
      taken = take_index(text, names);
    }
    if (!taken) {
      return false;
    }
  }
}

// A reference that begins with the "$" at the front of `text`: its length and its names.
struct Reference {
  std::size_t length = 0;
  Names names;
};

std::optional<Reference> read_reference(std::string_view text) {
  Reference reference;
  std::string_view rest = text.substr(1);
  const bool is_braced = rest.starts_with('{');
  rest.remove_prefix(is_braced ? 1 : 0);
  if (is_braced ? !take_braced(rest, reference.names) : !take_bare(rest, reference.names)) {
    return std::nullopt;
  }
  reference.length = text.size() - rest.size();
  return reference;
}

// What a reference stands for; nothing when nobody knows.
std::optional<HeaderPiece> piece_of(const Names& names) {
  static constexpr auto kValues = std::to_array<std::pair<std::string_view, Kind>>({
      {"access_token", Kind::AccessToken},
      {"id_token", Kind::IdToken},
      {"jwt", Kind::Assertion},
      {"client_cert_fingerprint", Kind::CertificateFingerprint},
      {"client_cert_san_dns", Kind::CertificateDnsNames},
      {"client_cert_san_email", Kind::CertificateEmails},
  });
  if (names.front() != "pomerium" || names.size() < 2) {
    return std::nullopt;
  }
  if (names.size() == 4 && names[1] == "request" && names[2] == "headers" && is_token(names[3])) {
    return HeaderPiece{.kind = Kind::RequestHeader, .text = names[3]};
  }
  const auto* const known =
      std::ranges::find(kValues, names[1], &std::pair<std::string_view, Kind>::first);
  if (names.size() != 2 || known == kValues.end()) {
    return std::nullopt;
  }
  return HeaderPiece{.kind = known->second, .text = {}};
}

void add_text(std::vector<HeaderPiece>& pieces, char c) {
  if (pieces.empty() || pieces.back().kind != Kind::Literal) {
    pieces.emplace_back();
  }
  pieces.back().text.push_back(c);
}

}  // namespace

bool HeaderTemplate::refers_to(Kind kind) const {
  return std::ranges::find(pieces, kind, &HeaderPiece::kind) != pieces.end();
}

HeaderTemplate parse_header_template(std::string_view text) {
  HeaderTemplate result;
  while (!text.empty()) {
    if (text.starts_with("$$")) {
      add_text(result.pieces, '$');
      text.remove_prefix(2);
      continue;
    }
    const std::optional<Reference> reference =
        text.front() == '$' ? read_reference(text) : std::nullopt;
    if (!reference) {
      add_text(result.pieces, text.front());
      text.remove_prefix(1);
      continue;
    }
    if (std::optional<HeaderPiece> piece = piece_of(reference->names)) {
      result.pieces.push_back(*std::move(piece));
    } else {
      result.unknown.emplace_back(text.substr(0, reference->length));
    }
    text.remove_prefix(reference->length);
  }
  return result;
}

}  // namespace vallum::config
