#include "databroker/store/head.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace vallum::databroker {
namespace {

constexpr std::size_t kHeadBytes = 3 * sizeof(std::uint64_t) + 32;

}  // namespace

Bytes seal_head(RowSeal& seal, const Head& head) {
  std::array<std::byte, kHeadBytes> plain{};
  store_be64(head.state.server_version, plain.data());
  store_be64(head.state.latest_version, plain.data() + 8);
  store_be64(head.state.pruned_version, plain.data() + 16);
  std::ranges::copy(head.sum.bytes(), plain.begin() + 24);
  return seal.seal_note("head", plain);
}

Result<Head> open_head(RowSeal& seal, ByteView sealed) {
  const auto plain = seal.open_note("head", sealed);
  if (!plain || plain->size() != kHeadBytes) {
    return fail(ErrorKind::Internal, "store: its head was altered");
  }
  const std::byte* at = plain->data();
  return Head{.state = {.server_version = load_be64(at),
                        .latest_version = load_be64(at + 8),
                        .pruned_version = load_be64(at + 16)},
              .sum = RowSum::from_bytes(ByteView(*plain).subspan(24))};
}

}  // namespace vallum::databroker
