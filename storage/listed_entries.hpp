#pragma once

#include <string>

#include "core/source_file.hpp"

namespace pawl::storage {

/// A FROM item `(list jsonb, key text)`: the values that the file itself says, in all combinations, and what tells them apart.
/// A list's plain value and a range's number are their own key, so that people find them; other entries are known by their
/// whole; a combination by the list of its keys. Without any: one row, {} and ''.
[[nodiscard]] std::string combined_entries(const core::Foreach& foreach_);

}  // namespace pawl::storage
