#include "dev/person.h"

namespace vallum::dev {

std::vector<Person> default_people() {
  return {
      {.subject = "alice",
       .name = "Alice Archer",
       .email = "alice@example.com",
       .groups = {"engineering", "admins"}},
      {.subject = "bob", .name = "Bob Baker", .email = "bob@example.com", .groups = {"sales"}},
      {.subject = "carol", .name = "Carol Cole", .email = "carol@partner.example", .groups = {}},
  };
}

}  // namespace vallum::dev
