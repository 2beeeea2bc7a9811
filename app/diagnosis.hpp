#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/server_facts.hpp"

/// What `pawl doctor` makes of what it finds: where pawl's promises rest on something that is not so. Pure.
namespace pawl::app {

struct Finding {
    enum class Grade : std::uint8_t { ok, warning, error };
    Grade grade = Grade::ok;
    std::string where;   ///< "Redis"
    std::string text;    ///< what was found
    std::string advice;  ///< what to do; "" where nothing is wrong
};
[[nodiscard]] std::string_view to_string(Finding::Grade grade);

/// The fields of Redis's INFO, by name.
[[nodiscard]] std::map<std::string, std::string> info_fields(const std::string& info);
/// `appendfsync`: of CONFIG GET; "" where that is not allowed. `ours_us`, `theirs_us`: the clocks.
[[nodiscard]] std::vector<Finding> diagnose_redis(const std::map<std::string, std::string>& info, const std::string& appendfsync,
                                                  std::int64_t ours_us, std::int64_t theirs_us);
[[nodiscard]] std::vector<Finding> diagnose_postgres(const storage::ServerFacts& facts, std::int64_t ours_us);

}  // namespace pawl::app
