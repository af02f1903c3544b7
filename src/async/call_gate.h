#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace vallum::async {

// Limits what comes in from threads that are not ours, such as those of a library that calls back.
// Any thread.
//
//   std::optional<CallGate::Pass> pass = gate.try_enter();
//   if (!pass) { refuse }            // else keep the pass for as long as the call goes on
class CallGate {
 public:
  // Lets its call out again when it dies. The gate outlives it.
  class Pass {
   public:
    Pass(Pass&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), number_(other.number_) {}
    Pass& operator=(Pass&&) = delete;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (gate_ != nullptr) {
        gate_->inside_.fetch_sub(1, std::memory_order_relaxed);
      }
    }

    // Counts the calls that were let in: for spreading them.
    std::uint64_t number() const { return number_; }

   private:
    friend class CallGate;
    Pass(CallGate* gate, std::uint64_t number) : gate_(gate), number_(number) {}

    CallGate* gate_;
    std::uint64_t number_;
  };

  explicit CallGate(std::size_t calls_max) : calls_max_(calls_max) {}
  CallGate(const CallGate&) = delete;
  CallGate& operator=(const CallGate&) = delete;

  // Nothing while calls_max calls are inside.
  std::optional<Pass> try_enter() {
    if (inside_.fetch_add(1, std::memory_order_relaxed) >= calls_max_) {
      inside_.fetch_sub(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    return Pass(this, entered_.fetch_add(1, std::memory_order_relaxed));
  }

 private:
  const std::size_t calls_max_;
  std::atomic<std::size_t> inside_{0};
  std::atomic<std::uint64_t> entered_{0};
};

}  // namespace vallum::async
