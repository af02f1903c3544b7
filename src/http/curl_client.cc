#include "http/curl_client.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

#include "async/event.h"
#include "async/io_handle.h"
#include "async/scope.h"
#include "async/timer_wheel.h"
#include "base/check.h"
#include "base/strings.h"

namespace vallum::http {
namespace {

constexpr std::size_t kHeaderBytesMax = 64 * 1024;
constexpr long kIdleConnectionsMax = 64;

enum class Direction : std::uint8_t { Read, Write };

// libcurl's handles are all void*, so each needs a deleter of its own.
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::chrono::milliseconds whole_milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::min(duration, Duration(std::chrono::hours(1))));
}

Error error_of(CURLcode code, const char* detail, std::string_view origin) {
  const ErrorKind kind =
      code == CURLE_OPERATION_TIMEDOUT ? ErrorKind::DeadlineExceeded : ErrorKind::Unavailable;
  std::string text(origin);
  text.append(": ").append(*detail == '\0' ? curl_easy_strerror(code) : detail);
  return {kind, std::move(text)};
}

}  // namespace

// What libcurl wants to know of one socket, and the coroutines that wait for it. The descriptor is
// libcurl's: it is given back before libcurl closes it.
class CurlSocket {
 public:
  CurlSocket(async::Core& core, curl_socket_t fd)
      : handle_(core, async::UniqueFd(static_cast<int>(fd))) {}
  CurlSocket(const CurlSocket&) = delete;
  CurlSocket& operator=(const CurlSocket&) = delete;
  ~CurlSocket() { give_back(); }

  async::IoHandle& handle() { return handle_; }
  curl_socket_t fd() const { return handle_.fd(); }
  bool is_gone() const { return gone_; }
  void give_back() {
    handle_.release().release();
    handle_.close();
    gone_ = true;
  }

  bool wants(Direction direction) const { return wanted_[index(direction)] && !gone_; }
  void set_wanted(Direction direction, bool wanted) { wanted_[index(direction)] = wanted; }
  bool is_followed(Direction direction) const { return followed_[index(direction)]; }
  bool is_followed() const { return followed_[0] || followed_[1]; }
  void set_followed(Direction direction, bool followed) { followed_[index(direction)] = followed; }

 private:
  static std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }

  async::IoHandle handle_;
  std::array<bool, 2> wanted_{};
  std::array<bool, 2> followed_{};
  bool gone_ = false;
};

class CurlClient::Engine final : private async::Timer {
 public:
  Engine(async::Core& core, Options options, CURLM* multi)
      : core_(core), options_(std::move(options)), multi_(multi), scope_(core) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Engine::on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Engine::on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, options_.connections_per_host_max);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kIdleConnectionsMax);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    CHECK(transfers_ == 0);
    // Closes the idle connections, which still calls on_socket().
    multi_.reset();
  }

  async::Core& core() const { return core_; }
  const Options& options() const { return options_; }
  std::size_t transfers() const { return transfers_; }

  Result<void> add(CURL* easy);
  void remove(CURL* easy);

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  static Task<void> follow(Engine* self, CurlSocket* socket, Direction direction);

  void fired() override { act(CURL_SOCKET_TIMEOUT, 0); }
  void set_interest(CurlSocket& socket, int what);
  void forget(CurlSocket& socket);
  void act(curl_socket_t fd, int events);
  void report_finished();

  async::Core& core_;
  Options options_;
  std::size_t transfers_ = 0;
  // Those that libcurl asked for, and those it let go of while a coroutine still waits.
  std::unordered_map<CurlSocket*, std::unique_ptr<CurlSocket>> sockets_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  async::Scope scope_;
};

// One request under way. A member of the frame that waits for it, so that destroying the frame
// takes it from libcurl.
class CurlClient::Transfer {
 public:
  Transfer(Engine& engine, ClientRequest request)
      : engine_(engine),
        request_(std::move(request)),
        easy_(curl_easy_init()),
        finished_(engine.core()) {
    CHECK(easy_ != nullptr);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (added_) {
      engine_.remove(easy_.get());
    }
  }

  Result<void> start(Deadline deadline);
  async::Event& finished() { return finished_; }
  Result<ClientResponse> take();

  // By the engine.
  void finish(CURLcode code) {
    code_ = code;
    finished_.set();
  }

 private:
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self);

  void set_transport_options(Deadline deadline);
  void set_request_options();
  bool take_header(std::string_view line);

  Engine& engine_;
  ClientRequest request_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> header_lines_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  ClientResponse response_;
  std::size_t header_bytes_ = 0;
  bool too_long_ = false;
  bool added_ = false;
  CURLcode code_ = CURLE_OK;
  async::Event finished_;
};

Result<void> CurlClient::Engine::add(CURL* easy) {
  if (transfers_ >= options_.requests_max) {
    return fail(ErrorKind::ResourceExhausted, "too many calls to other servers are under way");
  }
  if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
    return fail(BUG("libcurl refuses a request"));
  }
  ++transfers_;
  return {};
}

void CurlClient::Engine::remove(CURL* easy) {
  curl_multi_remove_handle(multi_.get(), easy);
  --transfers_;
}

int CurlClient::Engine::on_socket(
    CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* socket) {
  auto& engine = *static_cast<Engine*>(self);
  auto* known = static_cast<CurlSocket*>(socket);
  if (what == CURL_POLL_REMOVE) {
    if (known != nullptr) {
      curl_multi_assign(engine.multi_.get(), fd, nullptr);
      engine.forget(*known);
    }
    return 0;
  }
  if (known == nullptr) {
    auto created = std::make_unique<CurlSocket>(engine.core_, fd);
    known = created.get();
    if (!known->handle().watch()) {
      // Out of descriptors for epoll: the request ends at its deadline. Telling libcurl would end
      // all requests.
      known->give_back();
      return 0;
    }
    engine.sockets_.emplace(known, std::move(created));
    curl_multi_assign(engine.multi_.get(), fd, known);
  }
  engine.set_interest(*known, what);
  return 0;
}

int CurlClient::Engine::on_timer(CURLM* /*multi*/, long timeout_ms, void* self) {
  auto& engine = *static_cast<Engine*>(self);
  if (timeout_ms < 0) {
    engine.cancel();
  } else {
    engine.core_.arm(engine, engine.core_.now() + std::chrono::milliseconds(timeout_ms));
  }
  return 0;
}

void CurlClient::Engine::set_interest(CurlSocket& socket, int what) {
  socket.set_wanted(Direction::Read, what == CURL_POLL_IN || what == CURL_POLL_INOUT);
  socket.set_wanted(Direction::Write, what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
  for (const Direction direction : {Direction::Read, Direction::Write}) {
    if (socket.wants(direction) && !socket.is_followed(direction)) {
      socket.set_followed(direction, true);
      scope_.spawn(follow(this, &socket, direction));
    }
  }
  // The reactor reports edges; libcurl expects to hear of whatever is ready.
  socket.handle().report_again();
}

void CurlClient::Engine::forget(CurlSocket& socket) {
  socket.give_back();
  if (!socket.is_followed()) {
    sockets_.erase(&socket);
  }
}

Task<void> CurlClient::Engine::follow(Engine* self, CurlSocket* socket, Direction direction) {
  async::Readiness& readiness =
      direction == Direction::Read ? socket->handle().readable() : socket->handle().writable();
  while (socket->wants(direction)) {
    const async::Ready ready = co_await readiness.wait(Deadline::never());
    if (ready != async::Ready::Ready || !socket->wants(direction)) {
      break;
    }
    readiness.clear();
    self->act(socket->fd(), direction == Direction::Read ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
    if (socket->wants(direction)) {
      socket->handle().report_again();
    }
  }
  socket->set_followed(direction, false);
  if (socket->is_gone() && !socket->is_followed()) {
    self->sockets_.erase(socket);
  }
}

void CurlClient::Engine::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), fd, events, &running);
  report_finished();
}

void CurlClient::Engine::report_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) {
      continue;
    }
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    reinterpret_cast<Transfer*>(transfer)->finish(message->data.result);
  }
}

Result<void> CurlClient::Transfer::start(Deadline deadline) {
  if (request_.method != Method::Get && request_.method != Method::Post) {
    return fail(ErrorKind::InvalidInput, "only GET and POST can be sent to other servers");
  }
  set_transport_options(deadline);
  set_request_options();
  TRY_OK(engine_.add(easy_.get()));
  added_ = true;
  return {};
}

void CurlClient::Transfer::set_transport_options(Deadline deadline) {
  CURL* easy = easy_.get();
  const Options& options = engine_.options();
  const Duration left =
      deadline.is_never() ? Duration(std::chrono::hours(1)) : deadline.at() - engine_.core().now();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, reinterpret_cast<char*>(this));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max(1L, whole_milliseconds(left).count()));
  curl_easy_setopt(easy,
                   CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(whole_milliseconds(options.connect_timeout).count()));
  // A name server that hangs keeps a thread of libcurl, and must not keep ours when we give up.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.extra_roots_pem.empty()) {
    // Replaces the system's bundle file; the system's folder of roots stays.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libcurl only reads it
    curl_blob roots{.data = const_cast<char*>(options.extra_roots_pem.data()),
                    .len = options.extra_roots_pem.size(),
                    .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &roots);
  }
  if (!options.environment_proxy) {
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  }
}

void CurlClient::Transfer::set_request_options() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.text().c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_slist* lines = nullptr;
  for (const Headers::Line& line : request_.headers) {
    // "Name:" would remove the header, "Name;" sends it empty.
    const std::string text = line.value.empty() ? line.name + ";" : line.name + ": " + line.value;
    lines = curl_slist_append(lines, text.c_str());
  }
  if (request_.method == Method::Post) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(
        easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    // Never "Expect: 100-continue": it costs a round trip and some servers do not answer it.
    lines = curl_slist_append(lines, "Expect:");
  }
  header_lines_.reset(lines);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
}

std::size_t CurlClient::Transfer::on_body(char* bytes,
                                          std::size_t size,
                                          std::size_t count,
                                          void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t total = size * count;
  if (total > transfer.request_.body_bytes_max - transfer.response_.body.size()) {
    transfer.too_long_ = true;
    return 0;
  }
  transfer.response_.body.append(bytes, total);
  return total;
}

std::size_t CurlClient::Transfer::on_header(char* bytes,
                                            std::size_t size,
                                            std::size_t count,
                                            void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t total = size * count;
  return transfer.take_header(std::string_view(bytes, total)) ? total : 0;
}

bool CurlClient::Transfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    too_long_ = true;
    return false;
  }
  if (line.starts_with("HTTP/")) {
    // The head of the final answer comes after those of interim ones.
    response_.headers = Headers();
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && colon > 0) {
    response_.headers.add(line.substr(0, colon), trim_space(line.substr(colon + 1)));
  }
  return true;
}

Result<ClientResponse> CurlClient::Transfer::take() {
  if (too_long_) {
    return fail(ErrorKind::ResourceExhausted,
                std::string(request_.url.origin()) + ": the answer is longer than allowed");
  }
  if (code_ != CURLE_OK) {
    return fail(error_of(code_, error_text_.data(), request_.url.origin()));
  }
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

CurlClient::CurlClient(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

CurlClient::~CurlClient() = default;

Result<std::unique_ptr<CurlClient>> CurlClient::create(async::Core& core, Options options) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(ErrorKind::Unavailable, "libcurl cannot start");
  }
  const curl_version_info_data* version = curl_version_info(CURLVERSION_NOW);
  constexpr int kNeeded = CURL_VERSION_SSL | CURL_VERSION_ASYNCHDNS;
  if ((version->features & kNeeded) != kNeeded) {
    return fail(ErrorKind::Unavailable, "libcurl was built without TLS or resolves in our thread");
  }
  CURLM* multi = curl_multi_init();
  if (multi == nullptr) {
    return fail(ErrorKind::ResourceExhausted, "libcurl cannot start");
  }
  return std::unique_ptr<CurlClient>(
      new CurlClient(std::make_unique<Engine>(core, std::move(options), multi)));
}

Async<ClientResponse> CurlClient::fetch(ClientRequest request, Deadline deadline) {
  DCHECK(engine_->core().on_home_core());
  if (deadline.has_passed(engine_->core().clock())) {
    co_return fail(ErrorKind::DeadlineExceeded, "no time left to call another server");
  }
  Transfer transfer(*engine_, std::move(request));
  CO_TRY_OK(transfer.start(deadline));
  const bool finished = co_await transfer.finished().wait(deadline);
  if (!finished) {
    co_return fail(ErrorKind::DeadlineExceeded, "another server did not answer in time");
  }
  co_return transfer.take();
}

std::size_t CurlClient::size() const {
  return engine_->transfers();
}

}  // namespace vallum::http
