#pragma once

#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::core {

/// A body as UTF-8: from what its byte order mark says (UTF-8, UTF-16, UTF-32), which is cut off; else, where the body is no
/// JSON, from the charset that `content_type` tells, or the declaration of XML. ISO-8859-1 is read as Windows-1252, as
/// browsers do, and a body that is labelled so and is UTF-8 stays as it is. Bytes that mean nothing in their charset become
/// U+FFFD. Throws PermanentError where the charset is not known and the body is no UTF-8 either.
[[nodiscard]] std::string as_utf8(std::string body, Stream::Decode decode, std::string_view content_type);

}  // namespace pawl::core
