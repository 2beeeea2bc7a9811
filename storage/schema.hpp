#pragma once

#include <span>
#include <string_view>

namespace pawl::storage {

/// One step of pawl's own tables (schema `pawl`).
struct Migration {
    int version;
    std::string_view name;
    std::string_view sql;
};

[[nodiscard]] std::span<const Migration> migrations();

}  // namespace pawl::storage
