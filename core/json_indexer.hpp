#pragma once

#include "core/json_document.hpp"

namespace pawl::core {

/// What an index is made of and how far the text is trusted.
struct JsonReading {
    JsonBounds bounds;
    const JsonProjection* wanted = nullptr;  ///< nullptr: everything
    bool checked = false;  ///< the text passed JsonDocument::parse before: what is not wanted is skipped unread
};

/// Fills `values` with the index of `text`, behind which JsonDocument::padding bytes can be read. Throws PermanentError.
void index_json(std::string_view text, const JsonReading& reading, std::vector<JsonDocument::Value>& values);

}  // namespace pawl::core
