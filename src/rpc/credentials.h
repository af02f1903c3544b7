#pragma once

#include <memory>
#include <string>

// For the files of this folder; they include gRPC anyhow.
#include <grpcpp/security/server_credentials.h>  // NOLINT(vallum-headers): see above

#include "async/snapshot.h"
#include "rpc/server.h"

namespace vallum::rpc {

// Where the certificate of a listener is found, whenever somebody connects.
using CertificateCell = async::SnapshotCell<Certificate>;

using Credentials =
    std::shared_ptr<grpc::ServerCredentials>;  // NOLINT(vallum-banned): theirs, not ours

// Credentials that show whatever is in the cell, which outlives them and is never empty; they
// outlive the server. Clear text
// or not, and whether callers are asked for a certificate, is as the cell says now.
Credentials credentials_from(const CertificateCell& cell);

}  // namespace vallum::rpc
