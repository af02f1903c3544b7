#pragma once

#include <string>

#include <gtest/gtest.h>

#include "support/deployment/browser.h"
#include "support/deployment/deployment.h"

namespace vallum::testing {

// A deployment in a world of one core, and one browser.
class IntegrationTest : public ::testing::Test {
 protected:
  IntegrationTest() : IntegrationTest(Deployment::Options()) {}
  explicit IntegrationTest(const Deployment::Options& options) : deployment_(world_, options) {}

  SimApplication& application() { return deployment_.application(); }
  // The last head that the application was sent.
  std::string last_head() {
    return application().requests().empty() ? "" : application().requests().back().head;
  }
  static bool contains(std::string_view text, std::string_view piece) {
    return text.find(piece) != std::string_view::npos;
  }

  SimWorld world_{7, 1};
  Deployment deployment_;
  Browser browser_{deployment_};
};

}  // namespace vallum::testing
