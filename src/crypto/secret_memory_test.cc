#include "crypto/secret_memory.h"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

namespace vallum::crypto {
namespace {

// The flags that the kernel keeps of the mapping that holds an address: "rd wr lo dd ...".
std::string flags_of(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool is_in = false;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t dash = line.find('-');
    const std::size_t space = line.find(' ');
    if (dash != std::string::npos && dash < space) {
      std::uintptr_t first = 0;
      std::uintptr_t last = 0;
      std::from_chars(line.data(), line.data() + dash, first, 16);
      std::from_chars(line.data() + dash + 1, line.data() + space, last, 16);
      is_in = first <= wanted && wanted < last;
    } else if (is_in && line.starts_with("VmFlags:")) {
      return line;
    }
  }
  return "";
}

// In a process of its own: this is done once in the life of one.
template <class F>
void in_child(F test) {
  const pid_t child = ::fork();
  if (child == 0) {
    test();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(SecretMemoryTest, SecretsAreLockedAndLeftOutOfCoreDumps) {
  in_child([] {
    Secret before(std::string_view("of the heap"));
    const SecretMemoryState state = protect_secrets();
    const Secret secret(std::string_view("a key"));
    ASSERT_EQ(CRYPTO_secure_allocated(secret.expose().data()), 1);
    const std::string flags = flags_of(secret.expose().data());
    EXPECT_NE(flags.find(" dd"), std::string::npos) << flags;
    EXPECT_EQ(flags.find(" lo") != std::string::npos, state == SecretMemoryState::Locked) << flags;
    EXPECT_EQ(protect_secrets(), state);
    // What was there before is given back to where it came from.
    EXPECT_EQ(before.expose_text(), "of the heap");
    before = secret.clone();
    EXPECT_EQ(CRYPTO_secure_allocated(before.expose().data()), 1);
  });
}

TEST(SecretMemoryTest, ASystemThatLocksNothingIsToldOfAndDoesNotStopTheProcess) {
  in_child([] {
    const rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &none), 0);
    // A user with CAP_IPC_LOCK may all the same.
    alignas(4096) static char page[4096];
    const bool may_lock = ::mlock(page, sizeof page) == 0;
    EXPECT_EQ(protect_secrets() == SecretMemoryState::Locked, may_lock);
    EXPECT_EQ(Secret(std::string_view("works")).expose_text(), "works");
  });
}

TEST(SecretMemoryTest, MoreSecretsThanItHoldsGoToTheHeap) {
  in_child([] {
    protect_secrets();
    std::vector<Secret> secrets;
    for (int i = 0; i < 6; ++i) {
      secrets.emplace_back(Bytes(std::size_t{1} << 20, static_cast<std::byte>(i)));
    }
    EXPECT_EQ(CRYPTO_secure_allocated(secrets.front().expose().data()), 1);
    EXPECT_EQ(CRYPTO_secure_allocated(secrets.back().expose().data()), 0);
    EXPECT_EQ(secrets.back().expose()[0], std::byte{5});
  });
}

}  // namespace
}  // namespace vallum::crypto
