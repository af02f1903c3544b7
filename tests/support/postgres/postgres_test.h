#pragma once

#include <string>

#include <gtest/gtest.h>

#include "support/postgres/fault_proxy.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"

namespace vallum::testing {

// A test with a database of its own, on the server that the tests of a program share.
class PostgresTest : public ::testing::Test {
 protected:
  std::string address() const { return server_.by_socket(database_); }

  // What a standby that lags behind has: the data set as it is now.
  void keep() {
    raw_.execute(
        "CREATE TABLE kept_notes AS SELECT * FROM vallum.notes;"
        "CREATE TABLE kept_records AS SELECT * FROM vallum.records");
  }
  // It is promoted.
  void put_back() {
    raw_.execute(
        "BEGIN; DELETE FROM vallum.notes; INSERT INTO vallum.notes SELECT * FROM kept_notes;"
        "DELETE FROM vallum.records; INSERT INTO vallum.records SELECT * FROM kept_records; "
        "COMMIT");
  }

  PostgresServer& server_ = PostgresServer::shared();
  std::string database_ = server_.create_database();
  RawSession raw_{address()};
};

// The same with two nodes: one beside the database, and one far from it, over a network that fails
// when it is told to.
class PostgresFaultsTest : public PostgresTest {
 protected:
  using Fault = FaultProxy::Fault;
  using Moment = FaultProxy::Moment;

  FaultProxy proxy_{server_.socket_directory(), server_.port()};
  PostgresNode far_{proxy_.address(database_), 7};
  PostgresNode near_{address(), 1};
};

}  // namespace vallum::testing
