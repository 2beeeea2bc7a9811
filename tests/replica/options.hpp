#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/replica/api.hpp"

namespace pawl::replica {

struct Options {
    ApiOptions api;
    std::uint16_t port = 0;       ///< 0: a free one
    std::int64_t latency_ms = 0;  ///< before every answer
    bool help = false;
};

/// Reads `--name value` pairs. Throws std::invalid_argument naming what is wrong.
[[nodiscard]] Options parse_options(const std::vector<std::string>& arguments);
[[nodiscard]] std::string_view usage();

}  // namespace pawl::replica
