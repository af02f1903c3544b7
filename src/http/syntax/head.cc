#include "http/syntax/head.h"

namespace vallum::http {

void RequestHead::clear() {
  method = Method::Get;
  form = TargetForm::Origin;
  keep_alive = true;
  expects_continue = false;
  method_text = {};
  target = {};
  path_and_query = {};
  authority.clear();
  framing = {};
  upgrade = {};
  fields.clear();
}

void ResponseHead::clear() {
  status = 0;
  version_minor = 1;
  keep_alive = true;
  reason = {};
  framing = {};
  upgrade = {};
  fields.clear();
}

}  // namespace vallum::http
