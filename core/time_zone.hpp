#pragma once

#include <string>

namespace date {
class time_zone;
}

namespace pawl::core {

/// A zone of the system's database ("Asia/Seoul", "UTC"), for as long as the process lives; nullptr where there is none.
[[nodiscard]] const date::time_zone* find_time_zone(const std::string& name);
/// `did you mean "Asia/Seoul"?`, or empty.
[[nodiscard]] std::string time_zone_hint(const std::string& name);

}  // namespace pawl::core
