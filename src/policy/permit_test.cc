#include "policy/permit.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace vallum::authorize {

// Stands where the real one stands: the one class that a Permit calls friend.
class Authorizer {
 public:
  static policy::Permit permit(const policy::PermitTerms& terms) { return policy::Permit(terms); }
};

}  // namespace vallum::authorize

namespace vallum::policy {
namespace {

static_assert(!std::is_default_constructible_v<Permit>);
static_assert(!std::is_constructible_v<Permit, const PermitTerms&>);
static_assert(!std::is_constructible_v<Permit, PermitTerms>);
static_assert(!std::is_aggregate_v<Permit>);
static_assert(!std::is_copy_constructible_v<Permit>);
static_assert(!std::is_copy_assignable_v<Permit>);
static_assert(std::is_nothrow_move_constructible_v<Permit>);
static_assert(std::is_nothrow_move_assignable_v<Permit>);
static_assert(!std::is_trivially_copyable_v<Permit>);

PermitTerms some_terms() {
  return {.exchange = ExchangeId{7},
          .generation = GenerationId{3},
          .route = RouteIndex{12},
          .session = session_tag("session-of-alice")};
}

TEST(PermitTest, OpensOnceForExactlyItsTerms) {
  Permit permit = authorize::Authorizer::permit(some_terms());

  EXPECT_TRUE(permit.covers(some_terms()));
  EXPECT_TRUE(permit.redeem(some_terms()));
  EXPECT_FALSE(permit.is_live());
  EXPECT_FALSE(permit.redeem(some_terms()));
}

TEST(PermitTest, MovingEmptiesTheSource) {
  Permit first = authorize::Authorizer::permit(some_terms());
  Permit second = std::move(first);

  EXPECT_FALSE(first.is_live());  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_FALSE(first.covers(some_terms()));
  EXPECT_TRUE(second.is_live());

  Permit third = authorize::Authorizer::permit({});
  third = std::move(second);

  EXPECT_FALSE(second.is_live());  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_TRUE(third.redeem(some_terms()));
}

TEST(PermitTest, AnyOtherTermIsRefusedAndUsesItUp) {
  for (int changed = 0; changed < 4; ++changed) {
    PermitTerms other = some_terms();
    switch (changed) {
      case 0:
        other.exchange = ExchangeId{8};
        break;
      case 1:
        other.generation = GenerationId{4};
        break;
      case 2:
        other.route = RouteIndex{13};
        break;
      default:
        other.session = session_tag("session-of-bob");
        break;
    }
    Permit permit = authorize::Authorizer::permit(some_terms());

    EXPECT_FALSE(permit.covers(other)) << changed;
    EXPECT_FALSE(permit.redeem(other)) << changed;
    EXPECT_FALSE(permit.redeem(some_terms())) << changed;
  }
}

TEST(PermitTest, AnonymousIsNobodysSession) {
  EXPECT_NE(session_tag(""), session_tag("session-of-alice"));
  EXPECT_EQ(session_tag(""), session_tag({}));
}

}  // namespace
}  // namespace vallum::policy
