#include "base/secret_list.h"

namespace vallum {

SecretList& SecretList::operator=(Secret active) {
  secrets_.clear();
  secrets_.push_back(std::move(active));
  return *this;
}

SecretList SecretList::clone() const {
  std::vector<Secret> copies;
  copies.reserve(secrets_.size());
  for (const Secret& secret : secrets_) {
    copies.push_back(secret.clone());
  }
  return SecretList(std::move(copies));
}

bool SecretList::equals(const SecretList& other) const {
  if (secrets_.size() != other.secrets_.size()) {
    return false;
  }
  bool same = true;
  for (std::size_t i = 0; i < secrets_.size(); ++i) {
    same = secrets_[i].equals(other.secrets_[i].expose()) && same;
  }
  return same;
}

}  // namespace vallum
