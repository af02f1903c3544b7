#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "http/syntax/h1.h"

namespace vallum::http {
namespace {

// What a browser sends for one subresource, about 500 bytes.
constexpr std::string_view kBrowserRequest =
    "GET /reports/2024/summary?view=table&sort=desc HTTP/1.1\r\n"
    "Host: app.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: _pomerium=eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiI4ZjE0ZTQ1ZiJ9.c2lnbmF0dXJl; theme=dark\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "\r\n";

constexpr std::string_view kSmallRequest = "GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Tue, 01 Oct 2024 12:00:00 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\r\n";

void parse_request(benchmark::State& state, std::string_view text) {
  RequestHead head;
  HeadReader reader{HeadLimits{}};
  for (auto _ : state) {
    reader.reset();
    const HeadStep step = reader.read_request(text, head);
    benchmark::DoNotOptimize(step.consumed);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

void browser_request(benchmark::State& state) {
  parse_request(state, kBrowserRequest);
}
BENCHMARK(browser_request);

void small_request(benchmark::State& state) {
  parse_request(state, kSmallRequest);
}
BENCHMARK(small_request);

void response(benchmark::State& state) {
  ResponseHead head;
  HeadReader reader{HeadLimits{}};
  for (auto _ : state) {
    reader.reset();
    const HeadStep step = reader.read_response(kResponse, Method::Get, head);
    benchmark::DoNotOptimize(step.consumed);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kResponse.size()) * state.iterations());
}
BENCHMARK(response);

void host_alone(benchmark::State& state) {
  for (auto _ : state) {
    const auto authority = Authority::parse("app.example.com");
    benchmark::DoNotOptimize(authority);
  }
}
BENCHMARK(host_alone);

}  // namespace
}  // namespace vallum::http
