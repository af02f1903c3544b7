#include "identity/claims.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace vallum::identity {
namespace {

using codec::Node;

Unexpected refused(std::string_view name, const char* why) {
  // The name may be anything up to its own bound.
  std::string text("claim '");
  for (const char c : name.substr(0, 64)) {
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return fail(ErrorKind::InvalidInput, text + "': " + why);
}

// An object that is being flattened, and the name its members' names are joined to.
struct Pending {
  std::string prefix;
  const Node* object;
};

// Counts what is kept, and refuses what is above a bound.
class Budget {
 public:
  Result<void> charge(std::string_view name, const Node& value) {
    // Lists may hold lists and objects: walked without recursion, their depth was bounded by the
    // reader.
    std::vector<const Node*> left{&value};
    while (!left.empty()) {
      const Node* node = left.back();
      left.pop_back();
      TRY_OK(charge_one(name, *node));
      for (const Node& item : node->items()) {
        left.push_back(&item);
      }
      for (const Node::Member& member : node->members()) {
        bytes_ += member.key.size();
        left.push_back(&member.value);
      }
    }
    return {};
  }

  Result<void> charge_name(std::string_view name) {
    if (++names_ > ClaimBounds::kNamesMax) {
      return refused(name, "the token has more than 500 claims");
    }
    if (name.size() > ClaimBounds::kNameBytesMax) {
      return refused(name, "its name is longer than 256 bytes");
    }
    if (name.find('\0') != std::string_view::npos) {
      return refused(name, "its name holds a NUL");
    }
    return {};
  }

 private:
  Result<void> charge_one(std::string_view name, const Node& node) {
    if (++elements_ > ClaimBounds::kElementsMax) {
      return refused(name, "the token has more than 5000 values");
    }
    const std::string& text = node.text();
    if (text.size() > ClaimBounds::kTextBytesMax) {
      return refused(name, "a value is longer than 16 KiB");
    }
    if (text.find('\0') != std::string::npos) {
      return refused(name, "a value holds a NUL");
    }
    bytes_ += text.size();
    if (bytes_ > ClaimBounds::kBytesMax) {
      return refused(name, "the token's claims are longer than 128 KiB");
    }
    return {};
  }

  std::size_t names_ = 0;
  std::size_t elements_ = 0;
  std::size_t bytes_ = 0;
};

bool is_protocol_claim(std::string_view name) {
  return name == "iss" || name == "sub" || name == "exp" || name == "iat";
}

std::vector<Node> as_list(const Node& value) {
  return value.is_list() ? value.items() : std::vector<Node>{value};
}

void set_member(std::vector<Node::Member>& members, std::string_view key, Node value) {
  const auto found = std::ranges::find(members, key, &Node::Member::key);
  if (found != members.end()) {
    found->value = std::move(value);
  } else {
    members.push_back({std::string(key), {}, std::move(value)});
  }
}

}  // namespace

Node merge_userinfo(const Node& id_token, const Node& userinfo) {
  std::vector<Node::Member> members = id_token.members();
  for (const Node::Member& member : userinfo.members()) {
    set_member(members, member.key, member.value);
  }
  Node merged = Node::map(members);
  const Node* verified = merged.find("email_verified");
  if (verified != nullptr && verified->is_string() &&
      (verified->text() == "true" || verified->text() == "false")) {
    set_member(members, "email_verified", Node::boolean(verified->text() == "true"));
  }
  const Node* mail = merged.find("mail");
  if (merged.find("email") == nullptr && mail != nullptr && mail->is_string() &&
      mail->text().find('@') != std::string::npos) {
    set_member(members, "email", Node::string(mail->text()));
  }
  return Node::map(std::move(members));
}

Result<Claims> flatten_claims(const Node& claims) {
  Claims out;
  Budget budget;
  std::vector<Pending> pending{{.prefix = "", .object = &claims}};
  // Objects of one level wait until the plain members of all outer levels are in, so that a name
  // written with dots is there first.
  for (std::size_t next = 0; next < pending.size(); ++next) {
    const Pending current = pending[next];
    for (const Node::Member& member : current.object->members()) {
      const bool at_top = current.object == &claims;
      if (at_top && is_protocol_claim(member.key)) {
        continue;
      }
      std::string name = current.prefix + member.key;
      TRY_OK(budget.charge_name(name));
      if (member.value.is_map()) {
        pending.push_back({.prefix = name + ".", .object = &member.value});
        continue;
      }
      TRY_OK(budget.charge(name, member.value));
      out.try_emplace(std::move(name), as_list(member.value));
    }
  }
  return out;
}

std::string_view first_text(const Claims& claims, std::string_view name) {
  const auto found = claims.find(name);
  if (found == claims.end() || found->second.empty() || !found->second.front().is_string()) {
    return {};
  }
  return found->second.front().text();
}

std::string_view usable_email(std::string_view email) {
  const std::size_t at = email.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == email.size() ||
      email.find('@', at + 1) != std::string_view::npos) {
    return {};
  }
  return email;
}

}  // namespace vallum::identity
