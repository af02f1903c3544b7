#include "sim/proxy_run.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "async/sleep.h"
#include "base/strings.h"

namespace vallum::testing {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kIssuer = "https://idp.example";

// An answer in one of the framings there are.
std::string answer_with(std::size_t number, const std::string& body) {
  std::string head = "HTTP/1.1 200 OK\r\nX-Answer-To: " + std::to_string(number) + "\r\n";
  switch (number % 3) {
    case 0:
      return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    case 1: {
      std::array<char, 16> digits{};
      auto* const end =
          std::to_chars(digits.data(), digits.data() + digits.size(), body.size(), 16).ptr;
      return head + "Transfer-Encoding: chunked\r\n\r\n" + std::string(digits.data(), end) +
             "\r\n" + body + "\r\n0\r\n\r\n";
    }
    default:
      break;
  }
  return head + "Connection: close\r\n\r\n" + body;
}

Deployment::Options options_of(const Plan& plan, AppPolicy policy) {
  return {.more_options = {},
          .more_routes = {},
          .app_criterion = criterion_of(policy),
          .lane_bytes = plan.lane_bytes};
}

}  // namespace

ProxyRun::ProxyRun(Plan plan)
    : plan_(std::move(plan)),
      world_(plan_.seed),
      deployment_(world_, options_of(plan_, AppPolicy::AnybodySignedIn)),
      ledger_(deployment_),
      application_dice_(plan_.seed * 7919 + 2),
      trouble_dice_(plan_.seed * 7919 + 3),
      wire_dice_(plan_.seed * 7919 + 4),
      outside_(world_.outside()),
      inside_(world_.core()) {
  ledger_.credential("provider secret+/:");
  ledger_.credential("provider%20secret%2B%2F%3A");
  ledger_.credential("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
  ledger_.credential("access-token-of-code");
  ledger_.credential("refresh-token-of-code");
  break_wires();
  SimApplication& application = deployment_.application();
  application.on_head = [this](const std::string& head) { ledger_.head_arrived(head); };
  application.answer_with([this](const SimApplication::Request& r) { return answer(r); });
}

void ProxyRun::break_wires() {
  world_.wires().on_connect = [this](net::SocketAddress to, MemoryStream::Pair& pair) {
    const bool breaks =
        to == Deployment::front() ? plan_.client_wires_break : plan_.upstream_wires_break;
    for (MemoryStream* end : {pair.client.get(), pair.server.get()}) {
      StreamFaults& faults = end->faults();
      faults.chop = &wire_dice_.entropy();
      faults.latency = wire_dice_.up_to(20ms);
      if (wire_dice_.one_in(32)) {
        faults.read_bytes_max = 1 + wire_dice_.roll(40);
      }
      if (breaks && wire_dice_.one_in(4)) {
        faults.reset_after_bytes_written = wire_dice_.roll(wire_dice_.one_in(2) ? 1500 : 120'000);
      }
      if (breaks && wire_dice_.one_in(8)) {
        faults.reset_at_attempt = wire_dice_.roll(40);
      }
    }
  };
}

// As an application does that is well most of the time.
std::string ProxyRun::answer(const SimApplication::Request& request) {
  ledger_.request_arrived(request);
  SimApplication& application = deployment_.application();
  application.think_time = application_dice_.one_in(3) ? application_dice_.up_to(2s) : Duration();
  application.closes_silently = application_dice_.one_in(6);
  application.close_after_answer_bytes = std::string::npos;
  const std::size_t space = request.head.find(' ');
  const std::size_t number = Ledger::number_of(request.head.substr(space + 1)).value_or(0);
  if (request.head.find("pgrade: websocket") != std::string::npos) {
    application.closes_silently = false;
    return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  }
  std::string good = answer_with(number, Ledger::answer_body(number));
  // Only its end says that such an answer is whole.
  application.closes_silently = application.closes_silently || number % 3 == 2;
  if (!plan_.application_misbehaves || !application_dice_.one_in(3)) {
    return good;
  }
  switch (application_dice_.roll(6)) {
    case 0:
      // Nothing, and an end or for ever.
      application.closes_silently = application_dice_.one_in(2);
      return "";
    case 1:
      // In the head, or in a body whose end is known.
      application.close_after_answer_bytes =
          application_dice_.roll(number % 3 == 2 ? 40 : good.size());
      return good;
    case 2:
      application.closes_silently = false;
      return good.substr(0, application_dice_.roll(good.size()));
    case 3:
      return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab";
    case 4:
      // An answer to a request that has not been made. Behind one that ends with the connection it
      // would be a part of it.
      return number % 3 == 2
                 ? good
                 : good + "HTTP/1.1 200 OK\r\nX-Answer-To: nobody\r\nContent-Length: 0\r\n\r\n";
    default:
      break;
  }
  return "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + good;
}

Task<void> ProxyRun::visit(Visitor* visitor) {
  co_await async::sleep_for(world_.outside(), application_dice_.up_to(2s));
  co_await visitor->run();
}

Task<void> ProxyRun::make_trouble() {
  for (const Trouble trouble : plan_.troubles) {
    co_await async::sleep_for(world_.core(), trouble_dice_.up_to(4s));
    co_await make_trouble(trouble);
    heal();
  }
  if (plan_.ends_early) {
    co_await async::sleep_for(world_.core(), trouble_dice_.up_to(8s));
    cut_ = co_await deployment_.core().drain(world_.core().deadline_in(5s));
  }
}

Task<void> ProxyRun::make_trouble(Trouble trouble) {
  FakeHttpClient::Origin& idp = deployment_.web().origin(kIssuer);
  const Duration lasts = trouble_dice_.up_to(6s);
  switch (trouble) {
    case Trouble::UpstreamRefuses:
      world_.wires().refuse(deployment_.application().address());
      break;
    case Trouble::UpstreamUnreachable:
      world_.wires().silence(deployment_.application().address());
      break;
    case Trouble::ProviderDown:
      idp.fault = Error(ErrorKind::Unavailable, "refused");
      break;
    case Trouble::ProviderHangs:
      idp.hangs = true;
      break;
    case Trouble::ProviderRambles:
      for (const char* path : {"/token", "/userinfo", "/jwks"}) {
        deployment_.provider().answers.insert_or_assign(
            path, answer_text(200, "text/html", "<p>access-token-of-code"));
      }
      break;
    case Trouble::LaneBlocked:
      deployment_.output().blocked = true;
      break;
    case Trouble::StoreDown:
      deployment_.store_is_down = true;
      break;
    case Trouble::PolicyChanges:
      co_await change_policy();
      co_return;
    case Trouble::SessionRemoved:
      co_await remove_some_session();
      co_return;
  }
  const Instant began = world_.clock().now();
  co_await async::sleep_for(world_.core(), lasts);
  if (trouble == Trouble::StoreDown) {
    ledger_.store_was_down(began);
  }
}

Task<void> ProxyRun::change_policy() {
  const AppPolicy policy = trouble_dice_.pick(
      {AppPolicy::AnybodySignedIn, AppPolicy::Company, AppPolicy::Partners, AppPolicy::Engineers});
  deployment_.use(options_of(plan_, policy));
  ledger_.policy_changed(policy);
  co_await async::sleep_for(world_.core(), trouble_dice_.up_to(5s));
}

Task<void> ProxyRun::remove_some_session() {
  const std::string session = ledger_.some_session(trouble_dice_.roll(1000));
  if (session.empty()) {
    co_return;
  }
  const Result<void> removed = co_await deployment_.remove_session(session);
  if (removed) {
    ledger_.session_ended(session);
  }
}

void ProxyRun::heal() {
  FakeHttpClient::Origin& idp = deployment_.web().origin(kIssuer);
  idp.fault.reset();
  idp.hangs = false;
  deployment_.provider().answers.clear();
  world_.wires().heal(deployment_.application().address());
  deployment_.output().blocked = false;
  deployment_.store_is_down = false;
}

RunOutcome ProxyRun::run() {
  for (std::size_t i = 0; i < plan_.visitors.size(); ++i) {
    visitors_.push_back(std::make_unique<Visitor>(
        deployment_, ledger_, plan_.visitors[i], plan_.seed * 7919 + 100 + i));
    outside_.spawn(visit(visitors_.back().get()));
  }
  inside_.spawn(make_trouble());
  const bool ended = world_.run_until(
      [this] {
        deployment_.write_records();
        return outside_.empty() && inside_.empty();
      },
      4h);
  if (!ended) {
    ledger_.violation("the run does not end");
  }
  // Longer than any connection may do nothing.
  world_.advance(11min);
  ledger_.close(cut_ > 0);
  check_that_nothing_is_left();
  RunOutcome outcome{.violations = ledger_.violations(),
                     .records = deployment_.records(),
                     .diagnostics = deployment_.diagnostics(),
                     .arrivals = ledger_.arrivals(),
                     .refusals = ledger_.refused(),
                     .streams_revoked = static_cast<std::size_t>(
                         std::max(0.0, metric("vallum_live_streams_revoked_total")))};
  for (const auto& visitor : visitors_) {
    outcome.replies += visitor->replies();
  }
  return outcome;
}

double ProxyRun::metric(const std::string& name) {
  const std::string text = "\n" + deployment_.metrics();
  const std::size_t at = text.find("\n" + name + " ");
  double value = -1;
  if (at != std::string::npos) {
    const char* const from = text.data() + at + name.size() + 2;
    std::from_chars(from, text.data() + text.size(), value);
  }
  return value;
}

void ProxyRun::check_that_nothing_is_left() {
  proxy::ServingCore& serving = deployment_.core().serving();
  const upstream::PoolCounters& pool = serving.upstreams().counters();
  const std::array<std::pair<const char*, double>, 5> left = {
      {{"connections", metric("envoy_http_downstream_cx_active")},
       {"live streams", metric("vallum_live_streams")},
       {"blocks", static_cast<double>(serving.blocks().blocks_out())},
       {"upstream connections", static_cast<double>(pool.open)},
       {"calls of the provider", static_cast<double>(deployment_.web().under_way())}}};
  for (const auto& [what, count] : left) {
    if (count != 0) {
      ledger_.violation(std::to_string(count) + " " + what + " are left at the end");
    }
  }
}

}  // namespace vallum::testing
