#pragma once

#include <string_view>

// The query parameters of our own URLs (identity specification 1.1).
namespace vallum::authenticate::parameter {

inline constexpr std::string_view kAdditionalHosts = "pomerium_additional_hosts";
inline constexpr std::string_view kCallbackUri = "pomerium_callback_uri";
inline constexpr std::string_view kExpiry = "pomerium_expiry";
inline constexpr std::string_view kIdpId = "pomerium_idp_id";
inline constexpr std::string_view kIssued = "pomerium_issued";
inline constexpr std::string_view kJwt = "pomerium_jwt";
inline constexpr std::string_view kProgrammatic = "pomerium_programmatic";
inline constexpr std::string_view kRedirectUri = "pomerium_redirect_uri";
inline constexpr std::string_view kSessionEncrypted = "pomerium_session_encrypted";
inline constexpr std::string_view kSignature = "pomerium_signature";
inline constexpr std::string_view kTraceparent = "pomerium_traceparent";

}  // namespace vallum::authenticate::parameter
