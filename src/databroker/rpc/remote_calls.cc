#include "databroker/rpc/remote_calls.h"

#include <charconv>
#include <chrono>
#include <optional>

#include <google/protobuf/struct.pb.h>

#include "base/strings.h"

namespace vallum::databroker {
namespace {

constexpr Duration kProbeTimeout = std::chrono::seconds(1);

void write_value(const Payload& from, google::protobuf::Value& to) {
  switch (from.kind) {
    case Payload::Kind::Null:
      to.set_null_value(google::protobuf::NULL_VALUE);
      return;
    case Payload::Kind::Bool:
      to.set_bool_value(from.text == "true");
      return;
    case Payload::Kind::Number: {
      double number = 0;
      std::from_chars(from.text.data(), from.text.data() + from.text.size(), number);
      to.set_number_value(number);
      return;
    }
    case Payload::Kind::Text:
    case Payload::Kind::Bytes:
      to.set_string_value(from.text);
      return;
    case Payload::Kind::List:
      to.mutable_list_value();
      for (const Payload& item : from.items) {
        write_value(item, *to.mutable_list_value()->add_values());
      }
      return;
    case Payload::Kind::Object:
      write_struct(from, *to.mutable_struct_value());
      return;
  }
}

}  // namespace

std::uint64_t epoch_of(const grpc::ClientContext& context) {
  const auto& trailer = context.GetServerTrailingMetadata();
  const auto found = trailer.find("vallum-lease-epoch");
  const auto epoch = found == trailer.end()
                         ? std::nullopt
                         : parse_u64({found->second.data(), found->second.size()});
  return epoch.value_or(0);
}

Duration timeout_of(const RemotePeers::Peer& peer) {
  return peer.is_suspect ? kProbeTimeout : kAnswerTimeout;
}

void set_duration(Duration duration, google::protobuf::Duration& message) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  message.set_seconds(seconds.count());
  message.set_nanos(static_cast<std::int32_t>((duration - seconds).count()));
}

void write_struct(const Payload& object, google::protobuf::Struct& message) {
  for (std::size_t i = 0; i < object.names.size(); ++i) {
    write_value(object.items[i], (*message.mutable_fields())[object.names[i]]);
  }
}

}  // namespace vallum::databroker
