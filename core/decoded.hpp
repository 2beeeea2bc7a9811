#pragma once

#include <string>

#include "core/json_document.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// The body of a page as the one JSON text that `decode` and `records` of `stream` make of it: an array of the records, or
/// the document. JSON stays as it is, unread. In what is no JSON, bytes that are no UTF-8 become U+FFFD. Throws PermanentError
/// that says why, where the body is none of this kind.
[[nodiscard]] std::string decoded(const Stream& stream, std::string body);

/// What JsonDocument is to take of `decoded`: names stand once in CSV, and with every record in JSON.
[[nodiscard]] JsonBounds decoded_bounds(const Stream& stream);

/// What the body is, for messages: "JSON", "CSV".
[[nodiscard]] std::string_view format_name(Stream::Decode decode);

}  // namespace pawl::core
