#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace vallum {

// A secret and those that it replaces: the first one makes what is new, all of them verify what is
// there, so that a secret can be changed while things made under the one before are still in use.
// Reads like a std::optional of the first one.
class SecretList {
 public:
  // More would multiply the work that a forger can cause.
  static constexpr std::size_t kMax = 8;

  SecretList() = default;
  explicit SecretList(Secret active) { secrets_.push_back(std::move(active)); }
  explicit SecretList(std::vector<Secret> secrets) : secrets_(std::move(secrets)) {}
  SecretList& operator=(Secret active);

  SecretList clone() const;

  bool has_value() const { return !secrets_.empty(); }
  explicit operator bool() const { return has_value(); }
  // The first one. Requires has_value().
  const Secret& operator*() const { return secrets_.front(); }
  const Secret* operator->() const { return &secrets_.front(); }

  std::span<const Secret> all() const { return secrets_; }
  std::size_t size() const { return secrets_.size(); }
  void add_older(Secret older) { secrets_.push_back(std::move(older)); }

  // The same secrets in the same order.
  bool equals(const SecretList& other) const;

 private:
  std::vector<Secret> secrets_;
};

}  // namespace vallum
