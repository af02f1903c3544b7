// Runs a fuzz target over its corpus as an ordinary test: each file of the folders named on the
// command line, the empty input, and a few cheap mutations of each file, so that a corpus entry
// covers its neighbourhood too.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::vector<std::uint8_t>& input) {
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void run_with_neighbours(const std::vector<std::uint8_t>& input) {
  run(input);
  for (std::size_t cut = 1; cut <= 16 && cut < input.size(); ++cut) {
    run({input.begin(), input.end() - static_cast<std::ptrdiff_t>(cut)});
  }
  const std::size_t step = input.size() / 64 + 1;
  for (std::size_t at = 0; at < input.size(); at += step) {
    std::vector<std::uint8_t> flipped = input;
    flipped[at] ^= 0x20;
    run(flipped);
  }
}

}  // namespace

int main(int argc, char** argv) {
  run({});
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], error)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
      run_with_neighbours({text.begin(), text.end()});
      ++files;
    }
  }
  std::printf("replayed %d files\n", files);
  return files > 0 ? 0 : 1;
}
