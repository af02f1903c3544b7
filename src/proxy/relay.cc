#include "proxy/relay.h"

#include <array>

#include "async/core.h"

namespace vallum::proxy {

using net::IoResult;

namespace {

void append_chunk(std::string& out, std::string_view data) {
  std::array<char, http::kChunkHeaderBytesMax> header{};
  out.append(header.data(), http::write_chunk_header(data.size(), header));
  out.append(data).append(http::kChunkEnd);
}

// Writes and flushes as much of `pending` as the stream takes: done when that was all of it.
IoResult::Status write_some(Buffer& pending, net::Stream& to) {
  IoResult::Status status = IoResult::Status::Done;
  while (!pending.empty() && status == IoResult::Status::Done) {
    const IoResult result = to.try_write(pending.bytes());
    status = result.status;
    pending.consume(result.is_done() ? result.bytes : 0);
  }
  if (status != IoResult::Status::Done && status != IoResult::Status::WouldBlock) {
    return status;
  }
  const IoResult::Status flushed = to.try_flush().status;
  return flushed == IoResult::Status::Done ? status : flushed;
}

// Writes what is left of `pending`. Returns the fault of the sink, if any.
Task<RelayFault> drain(Buffer* pending, net::Stream* to, RelayLimits limits) {
  while (true) {
    const IoResult::Status status = write_some(*pending, *to);
    if (status == IoResult::Status::Done) {
      pending->release();
      co_return RelayFault::None;
    }
    if (status != IoResult::Status::WouldBlock) {
      co_return RelayFault::SinkFailed;
    }
    const async::Ready ready = co_await to->writable(limits.next(to->core()));
    if (ready != async::Ready::Ready) {
      co_return ready == async::Ready::TimedOut ? RelayFault::TimedOut : RelayFault::SinkFailed;
    }
  }
}

// Waits for the source to have something.
Task<RelayFault> await_source(net::Stream* from, net::Stream* to, RelayLimits limits) {
  constexpr Duration kLookInterval = std::chrono::seconds(1);
  const async::Core& core = from->core();
  const Deadline end = limits.next(core);
  while (true) {
    const Deadline look =
        limits.sink_may_leave ? end.earlier(core.deadline_in(kLookInterval)) : end;
    switch (co_await from->readable(look)) {
      case async::Ready::Ready:
        co_return RelayFault::None;
      case async::Ready::Closed:
        co_return RelayFault::SourceFailed;
      case async::Ready::TimedOut:
        break;
    }
    if (look == end) {
      co_return RelayFault::TimedOut;
    }
    if (to->peer_has_left()) {
      co_return RelayFault::SinkFailed;
    }
  }
}

}  // namespace

Deadline RelayLimits::next(const async::Core& core) const {
  return idle == Duration::zero() ? end : end.earlier(core.deadline_in(idle));
}

BodyRelay::BodyRelay(RelayScratch& scratch,
                     BlockPool& blocks,
                     http::BodyDecoder decoder,
                     http::BodyFraming sent_as)
    : scratch_(scratch),
      decoder_(decoder),
      chunked_(sent_as.kind == http::BodyFraming::Kind::Chunked),
      pending_(blocks),
      finished_(decoder_.finished()) {}

void BodyRelay::end_chunks(std::string& out) {
  if (chunked_ && !ended_) {
    out.append(http::kLastChunk);
    ended_ = true;
  }
}

// Decodes from the front of `input` until it is used up or the body ends.
RelayFault BodyRelay::encode(std::string_view& input, std::string& out) {
  while (!finished_ && !input.empty()) {
    const auto step = decoder_.feed(input);
    if (!step) {
      return RelayFault::SourceMalformed;
    }
    if (!step->data.empty()) {
      if (chunked_) {
        append_chunk(out, step->data);
      } else {
        out.append(step->data);
      }
    }
    input.remove_prefix(step->consumed);
    finished_ = decoder_.finished();
    if (step->consumed == 0) {
      break;
    }
  }
  if (finished_) {
    end_chunks(out);
  }
  return RelayFault::None;
}

RelayFault BodyRelay::take_buffered(Buffer& buffered, std::string& out) {
  std::string_view input = buffered.text();
  const std::size_t before = input.size();
  const RelayFault fault = encode(input, out);
  buffered.consume(before - input.size());
  return fault;
}

// Gives bytes to the sink; keeps what it does not take.
RelayFault BodyRelay::offer(net::Stream& to, std::string_view bytes) {
  while (!bytes.empty() && pending_.empty()) {
    const IoResult result = to.try_write(as_bytes(bytes));
    if (result.status == IoResult::Status::WouldBlock) {
      break;
    }
    if (!result.is_done()) {
      return RelayFault::SinkFailed;
    }
    bytes.remove_prefix(result.bytes);
  }
  pending_.append(bytes);
  return RelayFault::None;
}

// Moves everything of `input` that belongs to the body.
RelayFault BodyRelay::move_on(std::string_view& input, net::Stream& to) {
  if (chunked_) {
    scratch_.encoded.clear();
    const RelayFault fault = encode(input, scratch_.encoded);
    return fault != RelayFault::None ? fault : offer(to, scratch_.encoded);
  }
  while (!finished_ && !input.empty()) {
    const auto step = decoder_.feed(input);
    if (!step) {
      return RelayFault::SourceMalformed;
    }
    const RelayFault fault = offer(to, step->data);
    if (fault != RelayFault::None) {
      return fault;
    }
    input.remove_prefix(step->consumed);
    finished_ = decoder_.finished();
    if (step->consumed == 0) {
      break;
    }
  }
  return RelayFault::None;
}

// One read of the source and everything that follows from it.
BodyRelay::Pull BodyRelay::pull(net::Stream& from,
                                Buffer& buffered,
                                net::Stream& to,
                                RelayFault& fault) {
  std::string_view input = buffered.text();
  const bool from_buffer = !input.empty();
  if (!from_buffer) {
    const IoResult result = from.try_read(scratch_.read);
    if (result.status == IoResult::Status::WouldBlock) {
      return Pull::WouldBlock;
    }
    if (!result.is_done()) {
      const bool ended = result.status == IoResult::Status::Eof && !decoder_.close().has_value();
      fault = ended ? RelayFault::None : RelayFault::SourceFailed;
      finished_ = ended;
      if (ended && chunked_) {
        scratch_.encoded.clear();
        end_chunks(scratch_.encoded);
        fault = offer(to, scratch_.encoded);
      }
      return fault == RelayFault::None ? Pull::Again : Pull::Failed;
    }
    input = as_text(ByteView(scratch_.read).first(result.bytes));
  }
  const std::size_t before = input.size();
  fault = move_on(input, to);
  if (from_buffer) {
    buffered.consume(before - input.size());
  } else {
    buffered.append(input);  // the next message has begun
  }
  return fault == RelayFault::None ? Pull::Again : Pull::Failed;
}

Task<RelayFault> BodyRelay::run(net::Stream* from,
                                Buffer* buffered,
                                net::Stream* to,
                                RelayLimits limits) {
  while (!finished_) {
    RelayFault fault = RelayFault::None;
    const Pull pulled = pull(*from, *buffered, *to, fault);
    if (pulled == Pull::Failed) {
      co_return fault;
    }
    if (!pending_.empty()) {
      const RelayFault blocked = co_await drain(&pending_, to, limits);
      if (blocked != RelayFault::None) {
        co_return blocked;
      }
    } else if (pulled == Pull::WouldBlock) {
      // Nothing is to be had right now, so what was accepted goes out before we wait.
      const RelayFault blocked = co_await drain(&pending_, to, limits);
      if (blocked != RelayFault::None) {
        co_return blocked;
      }
      const RelayFault silent = co_await await_source(from, to, limits);
      if (silent != RelayFault::None) {
        co_return silent;
      }
    }
  }
  co_return co_await drain(&pending_, to, limits);
}

Task<RelayFault> copy_until_end(RelayScratch* scratch,
                                net::Stream* from,
                                Buffer* buffered,
                                net::Stream* to,
                                RelayLimits limits) {
  while (true) {
    if (!buffered->empty()) {
      const RelayFault fault = co_await drain(buffered, to, limits);
      if (fault != RelayFault::None) {
        co_return fault;
      }
    }
    const IoResult result = from->try_read(scratch->read);
    if (result.is_done()) {
      buffered->append(ByteView(scratch->read).first(result.bytes));
      continue;
    }
    if (result.status == IoResult::Status::Eof) {
      to->shutdown_write();
      co_return RelayFault::None;
    }
    if (result.status == IoResult::Status::Failed) {
      co_return RelayFault::SourceFailed;
    }
    const RelayFault silent = co_await await_source(from, to, limits);
    if (silent != RelayFault::None) {
      co_return silent;
    }
  }
}

}  // namespace vallum::proxy
