#include "support/sim/memory_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace vallum::testing {

using net::IoResult;

MemoryStream::Pair MemoryStream::make_pair(async::Core& client_core,
                                           async::Core& server_core,
                                           net::SocketAddress server,
                                           net::SocketAddress client) {
  Pair pair{.client = std::make_unique<MemoryStream>(client_core, client, server),
            .server = std::make_unique<MemoryStream>(server_core, server, client)};
  pair.client->peer_ = pair.server.get();
  pair.server->peer_ = pair.client.get();
  return pair;
}

MemoryStream::MemoryStream(async::Core& core, net::SocketAddress local, net::SocketAddress peer)
    : core_(core),
      local_address_(local),
      peer_address_(peer),
      readable_(core, false),
      writable_(core, true) {}

MemoryStream::~MemoryStream() {
  close();
  if (peer_ != nullptr) {
    peer_->peer_ = nullptr;
  }
}

bool MemoryStream::attempt() {
  if (attempts_++ == faults_.reset_at_attempt) {
    arriving_.clear();
    unread_bytes_ = 0;
    reset();
  }
  return !closed_;
}

std::size_t MemoryStream::chopped(std::size_t bytes, std::size_t limit) const {
  bytes = std::min(bytes, limit);
  if (faults_.chop != nullptr && bytes > 1 && faults_.chop->next_u64() % 2 == 0) {
    bytes = 1 + static_cast<std::size_t>(faults_.chop->next_u64() % bytes);
  }
  return bytes;
}

IoResult MemoryStream::try_read(ByteSpan into) {
  if (!attempt()) {
    return IoResult::failed(ENOTCONN);
  }
  if (!arriving_.empty() && arriving_.front().visible_at <= core_.clock().now()) {
    Segment& segment = arriving_.front();
    if (segment.end) {
      return IoResult::eof();
    }
    const std::size_t left = segment.bytes.size() - segment.taken;
    const std::size_t count = chopped(std::min(left, into.size()), faults_.read_bytes_max);
    std::memcpy(into.data(), segment.bytes.data() + segment.taken, count);
    segment.taken += count;
    unread_bytes_ -= count;
    if (segment.taken == segment.bytes.size()) {
      arriving_.pop_front();
    }
    if (peer_ != nullptr) {
      peer_->stir(peer_->core_.clock().now());
    }
    return IoResult::done(count);
  }
  if (reset_) {
    return IoResult::failed(ECONNRESET);
  }
  readable_.clear();
  if (!arriving_.empty()) {
    core_.arm(*this, arriving_.front().visible_at);
  }
  return IoResult::would_block();
}

IoResult MemoryStream::try_write(ByteView from) {
  if (!attempt() || write_ended_) {
    return IoResult::failed(EPIPE);
  }
  if (!reset_ && (peer_ == nullptr || peer_->closed_)) {
    reset();  // nobody is there to take it
  }
  if (reset_) {
    return IoResult::failed(ECONNRESET);
  }
  const std::size_t room = kBufferedBytes - std::min(kBufferedBytes, peer_->unread_bytes_);
  const std::size_t count = chopped(std::min(room, from.size()), faults_.write_bytes_max);
  if (count == 0 && !from.empty()) {
    writable_.clear();
    return IoResult::would_block();
  }
  send_to_peer({.visible_at = {},
                .bytes = Bytes(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count))});
  bytes_written_ += count;
  if (bytes_written_ >= faults_.reset_after_bytes_written) {
    reset();
  }
  return IoResult::done(count);
}

IoResult MemoryStream::try_flush() {
  if (!attempt()) {
    return IoResult::failed(EPIPE);
  }
  return reset_ ? IoResult::failed(ECONNRESET) : IoResult::done(0);
}

void MemoryStream::send_to_peer(Segment segment) {
  if (peer_ == nullptr || (segment.bytes.empty() && !segment.end)) {
    return;
  }
  segment.visible_at = core_.clock().now() + faults_.latency;
  if (!peer_->arriving_.empty()) {
    segment.visible_at = std::max(segment.visible_at, peer_->arriving_.back().visible_at);
  }
  peer_->unread_bytes_ += segment.bytes.size();
  const Instant at = segment.visible_at;
  peer_->arriving_.push_back(std::move(segment));
  peer_->stir(at);
}

void MemoryStream::stir(Instant at) {
  const bool on_this_core = core_.on_home_core();
  if (on_this_core && at <= core_.clock().now()) {
    fired();
  } else if (!Timer::is_armed()) {
    core_.arm(*this, at);
  }
}

void MemoryStream::fired() {
  const bool visible = !arriving_.empty() && arriving_.front().visible_at <= core_.clock().now();
  if (visible || reset_) {
    readable_.set();
  } else if (!arriving_.empty()) {
    core_.arm(*this, arriving_.front().visible_at);
  }
  const bool room = peer_ == nullptr || peer_->closed_ || peer_->unread_bytes_ < kBufferedBytes;
  if (room || reset_) {
    writable_.set();
  }
}

bool MemoryStream::peer_has_left() const {
  return reset_ || std::ranges::any_of(arriving_, [this](const Segment& segment) {
           return segment.end && segment.visible_at <= core_.now();
         });
}

void MemoryStream::shutdown_write() {
  if (!write_ended_ && !closed_ && !reset_) {
    send_to_peer({.visible_at = {}, .bytes = {}, .taken = 0, .end = true});
  }
  write_ended_ = true;
}

void MemoryStream::close() {
  if (closed_) {
    return;
  }
  if (unread_bytes_ > 0) {
    reset();
  }
  shutdown_write();
  closed_ = true;
  Timer::cancel();
  readable_.close();
  writable_.close();
  if (peer_ != nullptr) {
    peer_->stir(peer_->core_.clock().now());  // a blocked write fails now
  }
}

void MemoryStream::reset() {
  reset_ = true;
  readable_.set();
  writable_.set();
  if (peer_ != nullptr && !peer_->reset_) {
    peer_->reset_ = true;
    peer_->stir(peer_->core_.clock().now());
  }
}

}  // namespace vallum::testing
