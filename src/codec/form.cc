#include "codec/form.h"

#include <algorithm>

#include "codec/percent.h"

namespace vallum::codec {

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), piece.size() + 1));
    if (piece.empty()) {
      continue;
    }
    if (piece.contains(';')) {
      return fail(ErrorKind::InvalidInput, "a query may not hold a bare ';'");
    }
    if (query.pairs_.size() == kPairsMax) {
      return fail(ErrorKind::InvalidInput, "a query holds too many parameters");
    }
    const std::size_t equals = piece.find('=');
    auto name = form_decode(piece.substr(0, equals));
    auto value = form_decode(equals == std::string_view::npos ? "" : piece.substr(equals + 1));
    if (!name || !value) {
      return fail(ErrorKind::InvalidInput, "a query holds a malformed percent escape");
    }
    query.pairs_.emplace_back(*std::move(name), *std::move(value));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  const auto it = std::ranges::find(pairs_, name, &Pair::first);
  return it == pairs_.end() ? nullptr : &it->second;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Pair& pair : pairs_) {
    if (pair.first == name) {
      values.emplace_back(pair.second);
    }
  }
  return values;
}

void Query::add(std::string_view name, std::string_view value) {
  pairs_.emplace_back(name, value);
}

void Query::set(std::string_view name, std::string_view value) {
  // Copied first: both may be views into a pair that is about to go.
  Pair pair(name, value);
  remove(pair.first);
  pairs_.push_back(std::move(pair));
}

void Query::remove(std::string_view name) {
  const std::string kept(name);
  std::erase_if(pairs_, [&](const Pair& pair) { return pair.first == kept; });
}

std::string Query::encode() const {
  std::vector<const Pair*> sorted;
  sorted.reserve(pairs_.size());
  for (const Pair& pair : pairs_) {
    sorted.push_back(&pair);
  }
  // Pairs of one name keep their order: they stand in one array, so addresses tell it.
  std::ranges::sort(sorted, [](const Pair* a, const Pair* b) {
    return a->first != b->first ? a->first < b->first : a < b;
  });
  std::string text;
  for (const Pair* pair : sorted) {
    if (!text.empty()) {
      text.push_back('&');
    }
    append_form_encoded(text, pair->first);
    text.push_back('=');
    append_form_encoded(text, pair->second);
  }
  return text;
}

}  // namespace vallum::codec
