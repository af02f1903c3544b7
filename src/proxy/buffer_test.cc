#include "proxy/buffer.h"

#include <string>

#include <gtest/gtest.h>

namespace vallum::proxy {
namespace {

TEST(BufferTest, HoldsNoBlockUntilItHasBytes) {
  BlockPool pool(4);
  Buffer buffer(pool);
  EXPECT_EQ(pool.blocks_out(), 0U);

  buffer.append("abc");
  EXPECT_EQ(pool.blocks_out(), 1U);

  buffer.consume(3);
  buffer.release();
  EXPECT_EQ(pool.blocks_out(), 0U);
}

TEST(BufferTest, GrowsPastABlockAndKeepsItsBytes) {
  BlockPool pool(4);
  Buffer buffer(pool);
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    buffer.append(piece);
    expected += piece;
  }
  EXPECT_EQ(buffer.text(), expected);
  EXPECT_EQ(pool.blocks_out(), 0U) << "a grown buffer gives its pooled block back";
}

TEST(BufferTest, MovesItsBytesForwardInsteadOfGrowing) {
  BlockPool pool(4);
  Buffer buffer(pool);
  buffer.append(std::string(BlockPool::kBlockBytes, 'x'));
  buffer.consume(BlockPool::kBlockBytes - 2);

  buffer.append("yz");

  EXPECT_EQ(buffer.text(), "xxyz");
  EXPECT_EQ(pool.blocks_out(), 1U);
}

TEST(BufferTest, OffersNoSpaceAtItsLimit) {
  BlockPool pool(4);
  Buffer buffer(pool);
  buffer.append("0123456789");
  EXPECT_TRUE(buffer.space(10).empty());
  EXPECT_EQ(buffer.space(12).size(), 2U);
}

}  // namespace
}  // namespace vallum::proxy
