#include "proxy/serving_core.h"

#include <utility>

#include "codec/http_date.h"

namespace vallum::proxy {

ServingCore::ServingCore(const Parts& parts)
    : parts_(parts), entropy_(parts.core.entropy()), drain_(parts.core) {}

ServingCore::~ServingCore() = default;

void ServingCore::use(async::Snapshot<Generation> generation) {
  parts_.generation = std::move(generation);
  live_streams_.check_all();
}

std::unique_ptr<Exchange> ServingCore::take_exchange() {
  std::unique_ptr<Exchange> exchange;
  if (exchanges_.empty()) {
    exchange = std::make_unique<Exchange>(blocks_);
  } else {
    exchange = std::move(exchanges_.back());
    exchanges_.pop_back();
  }
  exchange->generation = parts_.generation;
  return exchange;
}

void ServingCore::give_exchange(std::unique_ptr<Exchange> exchange) {
  exchange->reset();
  if (exchanges_.size() < kExchangesKept) {
    exchanges_.push_back(std::move(exchange));
  }
}

policy::ExchangeId ServingCore::next_exchange_id() {
  // Unique in the process: the core's index in the upper bits.
  constexpr unsigned kIndexShift = 48;
  return static_cast<policy::ExchangeId>((std::uint64_t{parts_.core.index()} << kIndexShift) |
                                         ++exchanges_begun_);
}

std::string_view ServingCore::http_date() {
  const WallTime now = parts_.core.clock().wall();
  if (unix_seconds(now) != date_second_) {
    date_second_ = unix_seconds(now);
    date_.clear();
    codec::append_http_date(date_, now);
  }
  return date_;
}

void ServingCore::begin_drain() {
  drain_.cancel();
  parts_.upstreams.close_idle();
}

}  // namespace vallum::proxy
