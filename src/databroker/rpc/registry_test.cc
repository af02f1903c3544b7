#include "databroker/rpc/registry.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "databroker/rpc/desk.h"
#include "proto/registry.pb.h"
#include "support/databroker/shared_set.h"
#include "support/sim/fake_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;

// One databroker of several that share a store.
struct Node {
  Node(async::Core& core, testing::SharedSet& shared)
      : broker({.home = core,
                .store = std::make_unique<testing::SharedView>(shared),
                .cores = 1,
                .storage = Databroker::Storage::OnCallingCore}),
        desk(core, broker, Secret("0123456789abcdef0123456789abcdef")) {}

  Databroker broker;
  Desk desk;
};

class RegistryTest : public ::testing::Test {
 protected:
  Result<::registry::RegisterResponse> report_to(Node& node,
                                                 const std::string& endpoint,
                                                 ::registry::ServiceKind kind,
                                                 Role role = Role::Writer) {
    ::registry::RegisterRequest request;
    ::registry::Service& service = *request.add_services();
    service.set_kind(kind);
    service.set_endpoint(endpoint);
    return run_report(node, request, role);
  }
  Result<::registry::RegisterResponse> run_report(Node& node,
                                                  const ::registry::RegisterRequest& request,
                                                  Role role = Role::Writer) {
    ::registry::RegisterResponse response;
    TRY_OK(async::block_on(home_.core,
                           report({.desk = &node.desk,
                                   .facts = &facts_,
                                   .role = role,
                                   .request = &request,
                                   .response = &response,
                                   .deadline = Deadline::after(home_.clock, 5s)})));
    return response;
  }
  std::vector<std::string> listed_by(Node& node) {
    ::registry::ServiceList response;
    const ::registry::ListRequest request;
    const Result<void> done =
        async::block_on(home_.core,
                        list_services({.desk = &node.desk,
                                       .facts = &facts_,
                                       .role = Role::Reader,
                                       .request = &request,
                                       .response = &response,
                                       .deadline = Deadline::after(home_.clock, 5s)}));
    EXPECT_TRUE(done.has_value());
    std::vector<std::string> endpoints;
    for (const ::registry::Service& service : response.services()) {
      endpoints.push_back(service.endpoint());
    }
    return endpoints;
  }

  testing::FakeCore home_;
  CallFacts facts_;
  testing::SharedSet shared_{home_.entropy};
  Node one_{home_.core, shared_};
  Node other_{home_.core, shared_};
};

using Endpoints = std::vector<std::string>;

TEST_F(RegistryTest, EveryDatabrokerOfAStoreListsWhatOneWasTold) {
  const auto answer = report_to(one_, "http://a:1", ::registry::PROXY);
  ASSERT_TRUE(answer.has_value());

  EXPECT_EQ(answer->call_back_after().seconds(), 15);
  EXPECT_EQ(listed_by(one_), (Endpoints{"http://a:1"}));
  EXPECT_EQ(listed_by(other_), (Endpoints{"http://a:1"}));
}

TEST_F(RegistryTest, ARegistrationEndsUnlessItIsMadeAgain) {
  ASSERT_TRUE(report_to(one_, "http://a:1", ::registry::PROXY).has_value());
  ASSERT_TRUE(report_to(one_, "http://b:1", ::registry::PROXY).has_value());
  home_.advance(kReportAgainAfter);
  ASSERT_TRUE(report_to(other_, "http://b:1", ::registry::PROXY).has_value());
  EXPECT_EQ(listed_by(one_), (Endpoints{"http://a:1", "http://b:1"}));

  home_.advance(kRegistrationTtl - kReportAgainAfter);
  EXPECT_EQ(listed_by(one_), (Endpoints{"http://b:1"}));

  home_.advance(kReportAgainAfter);
  EXPECT_EQ(listed_by(other_), Endpoints{});
}

TEST_F(RegistryTest, KeepsAsManyAsItsTypeMayHave) {
  const std::size_t capacity =
      *built_in_options().at("type.googleapis.com/registry.ServiceRegistration").capacity;
  ::registry::RegisterRequest request;
  for (std::size_t i = 0; i < capacity + 5; ++i) {
    ::registry::Service& service = *request.add_services();
    service.set_kind(::registry::PROXY);
    service.set_endpoint("http://" + std::to_string(i));
    if (request.services_size() == static_cast<int>(kReportedServicesMax) || i == capacity + 4) {
      ASSERT_TRUE(run_report(one_, request).has_value());
      request.Clear();
    }
  }

  EXPECT_EQ(listed_by(one_).size(), capacity);
}

TEST_F(RegistryTest, RefusesWhatNoProcessIsOrMaySay) {
  const auto kind = [](const Result<::registry::RegisterResponse>& result) {
    return result ? ErrorKind::Internal : result.error().kind();
  };
  ::registry::RegisterRequest many;
  for (std::size_t i = 0; i <= kReportedServicesMax; ++i) {
    many.add_services()->set_kind(::registry::PROXY);
    many.mutable_services(static_cast<int>(i))->set_endpoint(std::to_string(i));
  }

  EXPECT_EQ(kind(run_report(one_, many)), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(report_to(one_, "http://a", ::registry::UNDEFINED_DO_NOT_USE)),
            ErrorKind::InvalidInput);
  EXPECT_EQ(kind(report_to(one_, "http://a", static_cast<::registry::ServiceKind>(99))),
            ErrorKind::InvalidInput);
  EXPECT_EQ(kind(report_to(one_, "", ::registry::PROXY)), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(report_to(one_, std::string(kEndpointBytesMax + 1, 'x'), ::registry::PROXY)),
            ErrorKind::InvalidInput);
  EXPECT_EQ(kind(report_to(one_, "http://a", ::registry::DATABROKER, Role::Reader)),
            ErrorKind::PermissionDenied);
  EXPECT_EQ(listed_by(one_), Endpoints{});
  EXPECT_TRUE(report_to(one_, "http://a", ::registry::PROXY, Role::Reader).has_value());
}

}  // namespace
}  // namespace vallum::databroker
