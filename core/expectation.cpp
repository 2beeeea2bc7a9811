#include "core/expectation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "core/characters.hpp"
#include "core/duration.hpp"
#include "core/named_values.hpp"
#include "core/record_identity.hpp"

namespace pawl::core {

namespace {

// What APIs call it; a name that is not here is told by `expect.page_size`.
constexpr std::array<std::string_view, 5> size_names{"per_page", "page_size", "pagesize", "limit", "size"};
constexpr double whole_max = 9e15;  // beyond it a double is no whole number

std::optional<std::int64_t> whole_count(const Value& value) {
    if (value.kind != Value::Kind::number && value.kind != Value::Kind::text) return std::nullopt;
    const std::string text(value.text);
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || end != text.c_str() + text.size() || !std::isfinite(number)) return std::nullopt;
    return std::llround(std::clamp(number, 0.0, whole_max));
}

/// Numbered pages end at an empty one where the response does not tell the last (collector/paging.cpp).
bool ends_empty(const Pagination& paginate) {
    const bool counts = paginate.kind == Pagination::Kind::page || paginate.kind == Pagination::Kind::offset;
    return counts && !paginate.last;
}

/// Pages that hold so many records, where each may repeat some of the one before.
std::int64_t full_pages(const Stream& stream, std::int64_t records, std::int64_t size) {
    const bool overlaps = stream.paginate.kind == Pagination::Kind::offset && is_keyed(stream);
    const auto step = size - (overlaps ? std::min(stream.paginate.overlap, size - 1) : 0);
    return records <= size ? (records + size - 1) / size : 1 + (records - size + step - 1) / step;
}

}  // namespace

std::optional<std::int64_t> expected_records(const Stream& stream, std::string_view parent, std::string_view list) {
    if (!stream.expect) return std::nullopt;
    Arena arena;
    return whole_count(value_for_partition(stream.expect->count, parent, list, arena));
}

std::optional<std::int64_t> page_size(const Stream& stream) {
    if (stream.expect && stream.expect->page_size > 0) return stream.expect->page_size;
    if (stream.paginate.size > 0) return stream.paginate.size;
    for (const auto& [name, value] : stream.query) {
        if (std::find(size_names.begin(), size_names.end(), lower(name)) == size_names.end()) continue;
        const auto size = parse_whole_number(value.text());
        if (size && *size > 0) return size;
    }
    return std::nullopt;
}

std::optional<std::int64_t> requests_for(const Stream& stream, std::int64_t records) {
    if (stream.paginate.kind == Pagination::Kind::none) return 1;
    const auto size = page_size(stream);
    if (!size) return std::nullopt;
    const auto full = full_pages(stream, std::max<std::int64_t>(0, records), *size);
    return std::clamp<std::int64_t>(full + (ends_empty(stream.paginate) ? 1 : 0), 1, stream.paginate.max_pages);
}

}  // namespace pawl::core
