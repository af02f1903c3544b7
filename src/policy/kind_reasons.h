#pragma once

#include <array>

#include "policy/criterion.h"
#include "policy/reasons.h"

// Why a criterion of a kind holds or does not. Policy specification 2.2.
namespace vallum::policy {

struct KindReasons {
  Reason ok = Reason::Accept;
  Reason not_ok = Reason::Reject;
  bool needs_session = false;
  // Has further reasons, or data.
  bool is_special = false;
};

// In the order of CriterionKind.
inline constexpr std::array<KindReasons, kCriterionKindCount> kKindReasons{{
    {Reason::Accept, Reason::Accept},
    {Reason::Reject, Reason::Reject},
    {Reason::UserOk, Reason::UserUnauthorized, true},
    {Reason::UserOk, Reason::UserUnauthorized, true},
    {Reason::EmailOk, Reason::EmailUnauthorized, true},
    {Reason::DomainOk, Reason::DomainUnauthorized, true},
    {Reason::ClaimOk, Reason::ClaimUnauthorized, true},
    {Reason::GroupsOk, Reason::GroupsUnauthorized, true},
    {Reason::HttpMethodOk, Reason::HttpMethodUnauthorized},
    {Reason::HttpPathOk, Reason::HttpPathUnauthorized},
    {Reason::CorsRequest, Reason::NonCorsRequest},
    {Reason::SourceIpOk, Reason::SourceIpUnauthorized},
    {Reason::ClientCertificateOk, Reason::ClientCertificateUnauthorized},
    {Reason::InvalidClientCertificate, Reason::ValidClientCertificate, false, true},
    {Reason::DeviceOk, Reason::DeviceUnauthenticated, false, true},
    {Reason::McpToolMatch, Reason::McpToolNoMatch, false, true},
    {Reason::SshPublickeyOk, Reason::SshPublickeyUnauthorized},
    {Reason::SshPublickeyOk, Reason::SshPublickeyUnauthorized},
    {Reason::SshUsernameOk, Reason::SshUsernameUnauthorized},
    {Reason::SshUsernameOk, Reason::SshUsernameUnauthorized, true},
    {Reason::SshUsernameOk, Reason::SshUsernameUnauthorized, true},
    {Reason::DateOk, Reason::DateUnauthorized},
    {Reason::DayOfWeekOk, Reason::DayOfWeekUnauthorized},
    {Reason::TimeOfDayOk, Reason::TimeOfDayUnauthorized},
    {Reason::RecordOk, Reason::RecordUnauthorized, true},
    {Reason::PomeriumRoute, Reason::NonPomeriumRoute},
}};

inline const KindReasons& reasons_of(CriterionKind kind) {
  return kKindReasons[static_cast<std::size_t>(kind)];
}

}  // namespace vallum::policy
