#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::app {

/// `text` as JSON where nothing is lost by that: nullopt where it is none, where a number has more digits than a double or 64
/// bits hold, or where a name stands twice.
[[nodiscard]] std::optional<nlohmann::ordered_json> as_exact_json(std::string_view text);

/// JSON text without blanks outside strings.
[[nodiscard]] std::string compact_json(std::string_view text);

/// The end of the JSON string whose opening mark is at `at`: behind its closing mark; npos where it has none.
[[nodiscard]] std::size_t end_of_json_string(std::string_view text, std::size_t at);

}  // namespace pawl::app
