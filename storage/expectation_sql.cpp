#include "storage/expectation_sql.hpp"

#include <fmt/format.h>

#include <vector>

#include "storage/identifier.hpp"

namespace pawl::storage {
namespace {

std::string members_of(const std::vector<std::string>& names, const std::string& column) {
    std::vector<std::string> pairs;
    for (const std::string& name : names)
        pairs.push_back(fmt::format("{0}::text, {1} -> {0}::text", literal(name), column));
    return pairs.empty() ? "'{}'::jsonb" : fmt::format("jsonb_build_object({})", fmt::join(pairs, ", "));
}

}  // namespace

std::string expected_parent_sql(const core::Stream& stream, std::string_view alias) {
    if (!stream.expect) return members_of({}, "");
    return members_of(stream.expect->count.parent_names(), std::string(alias) + ".parent");
}

std::string expected_list_sql(const core::Stream& stream, std::string_view alias) {
    if (!stream.expect) return members_of({}, "");
    return members_of(stream.expect->count.list_names(), std::string(alias) + ".list");
}

}  // namespace pawl::storage
