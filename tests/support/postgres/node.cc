#include "support/postgres/node.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

namespace vallum::testing {

databroker::Write PostgresNode::put_json(std::string id, std::string_view json) {
  google::protobuf::Struct message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(json), &message).ok());
  return databroker::Write::put(key(std::move(id)),
                                {.type_url = "type.googleapis.com/google.protobuf.Struct",
                                 .bytes = message.SerializeAsString()});
}

}  // namespace vallum::testing
