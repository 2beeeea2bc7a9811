#pragma once

#include <string>
#include <string_view>

#include "storage/copy_text.hpp"

/// JSON as COPY (text format) takes it for a jsonb column; see storage/copy_text.hpp for what is
/// repaired and what is a misfit.
namespace pawl::storage {

/// JSON's grammar of numbers, within what numeric and jsonb may store.
[[nodiscard]] bool is_storable_number(std::string_view text);

/// A JSON text as it came, its escapes doubled for COPY.
Encoded append_json(std::string& out, std::string_view json);

/// A text as a JSON string, for COPY.
Encoded append_json_string(std::string& out, std::string_view text);

}  // namespace pawl::storage
