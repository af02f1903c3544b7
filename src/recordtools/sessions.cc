#include "recordtools/sessions.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/strings.h"
#include "recordtools/limits.h"
#include "recordtools/text.h"

namespace vallum::recordtools {
namespace {

using Emails = std::unordered_map<std::string, std::string>;  // by user id

Result<Emails> read_emails(databroker::RecordClient& client) {
  Emails emails;
  bool is_too_long = false;
  TRY_OK(client.read_each(session::kUserType, [&](const databroker::Record& record) {
    is_too_long = is_too_long || emails.size() == kListedMax;
    if (auto user = session::decode_user(record.value); user && !is_too_long) {
      emails.insert_or_assign(record.id, std::move(user->email));
    }
  }));
  return is_too_long ? Result<Emails>(fail(ErrorKind::ResourceExhausted,
                                           "there are more than a million users"))
                     : std::move(emails);
}

Unexpected no_such(const std::string& id) {
  return fail(ErrorKind::NotFound,
              "there is no session with the id " + shown(id) +
                  ": vallum sessions list shows those there are");
}

std::string state_of(WallTime valid_until, WallTime now) {
  return valid_until <= now ? " (expired)" : "";
}

std::string presence(bool is_there) {
  return is_there ? "present" : "absent";
}

void line(std::string& to, std::string_view name, const std::string& value) {
  append_all(to, {name, std::string(name.size() < 16 ? 16 - name.size() : 1, ' '), value, "\n"});
}

}  // namespace

Result<std::vector<ListedSession>> list_sessions(databroker::RecordClient& client,
                                                 const SessionFilter& filter) {
  TRY(const Emails emails, read_emails(client));
  std::vector<ListedSession> sessions;
  bool is_too_long = false;
  TRY_OK(client.read_each(session::kSessionType, [&](const databroker::Record& record) {
    const auto session = session::decode_session(record.value);
    if (!session || (!filter.user_id.empty() && session->user_id != filter.user_id)) {
      return;
    }
    const auto found = emails.find(session->user_id);
    const std::string email = found == emails.end() ? "" : found->second;
    if (!filter.email.empty() && !iequals(email, filter.email)) {
      return;
    }
    is_too_long = is_too_long || sessions.size() == kListedMax;
    if (!is_too_long) {
      sessions.push_back({.id = record.id,
                          .user_id = session->user_id,
                          .email = email,
                          .idp_id = session->idp_id,
                          .issued_at = session->issued_at,
                          .expires_at = session->expires_at,
                          .accessed_at = session->accessed_at});
    }
  }));
  if (is_too_long) {
    return fail(ErrorKind::ResourceExhausted,
                "there are more than a million such sessions: --user names whose");
  }
  std::ranges::sort(sessions, std::greater(), [](const ListedSession& session) {
    return std::tie(session.issued_at, session.id);
  });
  return sessions;
}

std::string sessions_text(const std::vector<ListedSession>& sessions, WallTime now) {
  std::vector<std::vector<std::string>> rows{
      {"ID", "USER", "E-MAIL", "PROVIDER", "ISSUED", "EXPIRES", "ACCESSED"}};
  for (const ListedSession& session : sessions) {
    rows.push_back(
        {shown(session.id),
         shown(session.user_id),
         session.email.empty() ? "-" : shown(session.email),
         session.idp_id.empty() ? "-" : shown(session.idp_id),
         shown(session.issued_at),
         shown(session.expires_at) + state_of(session.expires_at.value_or(WallTime::max()), now),
         shown(session.accessed_at)});
  }
  return table(rows);
}

Result<ShownSession> find_session(databroker::RecordClient& client, const std::string& id) {
  const auto record = client.get(session::session_key(id));
  if (!record) {
    return record.error().kind() == ErrorKind::NotFound ? no_such(id) : fail(record.error());
  }
  TRY(auto session, session::decode_session(record->value));
  const auto user_record = client.get(session::user_key(session.user_id));
  if (!user_record && user_record.error().kind() != ErrorKind::NotFound &&
      user_record.error().kind() != ErrorKind::InvalidInput) {
    return fail(user_record.error());
  }
  ShownSession found{.session = std::move(session), .user = std::nullopt};
  if (user_record) {
    TRY(found.user, session::decode_user(user_record->value));
  }
  return found;
}

std::string session_text(const ShownSession& which, WallTime now) {
  const session::SessionRecord& session = which.session;
  std::string text;
  line(text, "id", shown(session.id));
  line(text, "user", shown(session.user_id));
  if (which.user) {
    line(text, "name", shown(which.user->name));
    line(text, "e-mail", shown(which.user->email));
  }
  line(text, "provider", session.idp_id.empty() ? "-" : shown(session.idp_id));
  line(text, "issued", shown(session.issued_at));
  line(text, "expires", shown(session.expires_at) + state_of(session.valid_until(), now));
  line(text, "accessed", shown(session.accessed_at));
  line(text, "id token", presence(session.id_token && !session.id_token->raw.empty()));
  const auto& oauth = session.oauth_token;
  line(text, "access token", presence(oauth && !oauth->access_token.empty()));
  line(text, "refresh token", presence(oauth && !oauth->refresh_token.empty()));
  if (oauth && oauth->expires_at) {
    line(text, "access until", shown(oauth->expires_at));
  }
  if (!session.impersonate_session_id.empty()) {
    line(text, "impersonates", shown(session.impersonate_session_id));
  }
  for (const std::string& host : session.audience) {
    line(text, "host", shown(host));
  }
  std::string claims;
  for (const session::NamedClaim& claim : session.claims) {
    append_all(claims, {claims.empty() ? "" : ", ", shown(claim.name)});
  }
  line(text, "claims", claims.empty() ? "-" : claims);
  return text;
}

Result<void> revoke_session(databroker::RecordClient& client, const std::string& id) {
  const databroker::RecordKey key = session::session_key(id);
  const auto found = client.get(key);
  if (!found) {
    return found.error().kind() == ErrorKind::NotFound ? no_such(id) : fail(found.error());
  }
  databroker::Batch batch;
  batch.push_back(databroker::Write::remove(key));
  return client.put(batch);
}

Result<std::size_t> revoke_sessions_of(databroker::RecordClient& client,
                                       const std::string& user_id) {
  std::vector<std::string> ids;
  TRY_OK(client.read_each(session::kSessionType, [&](const databroker::Record& record) {
    const auto session = session::decode_session(record.value);
    if (session && session->user_id == user_id) {
      ids.push_back(record.id);
    }
  }));
  for (std::size_t done = 0; done < ids.size();) {
    databroker::Batch batch;
    while (done < ids.size() && batch.size() < kImportWritesMax) {
      batch.push_back(databroker::Write::remove(session::session_key(ids[done++])));
    }
    TRY_OK(client.put(batch));
  }
  return ids.size();
}

}  // namespace vallum::recordtools
