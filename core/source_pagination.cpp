#include <fmt/format.h>

#include "core/identity.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

constexpr std::string_view paginate_path = "streams.*.paginate";
constexpr std::int64_t page_number_max = 1'000'000'000;
constexpr std::int64_t overlap_max = 100;

/// `page`, or `body.page`.
Into read_place(const MapReader& map, std::string_view name, std::string fallback, Problems& problems) {
    const std::string text = map.text(name, std::move(fallback));
    const YamlNode* node = map.node().find(name);
    if (!text.starts_with("body.") || node == nullptr) return {.query = text, .path = {}};
    return read_into(*node, name, problems);
}

/// `size` and `size_param` mean something only together.
void read_page(const MapReader& map, Pagination& pagination, Problems& problems) {
    pagination.param = read_place(map, "param", "page", problems);
    pagination.start = map.whole_number("start", {0, page_number_max}, 1);
    pagination.size_param = read_place(map, "size_param", "", problems);
    pagination.size = map.whole_number("size", {1, page_number_max}, 0);
    pagination.last = map.expression("last");
    if (map.has("size") != map.has("size_param"))
        problems.add(map.at(), map.has("size") ? "\"size\" needs \"size_param\""
                                               : "\"size_param\" needs \"size\"");
}

void read_offset(const MapReader& map, Pagination& pagination, Problems& problems) {
    pagination.param = read_place(map, "param", "offset", problems);
    pagination.size = map.whole_number("limit", {1, page_number_max}, 0);
    if (pagination.size > 0 || map.has("limit_param"))
        pagination.size_param = read_place(map, "limit_param", "limit", problems);
    pagination.last = map.expression("total");
    pagination.overlap = map.whole_number("overlap", {0, overlap_max}, 1);
    if (map.has("limit_param") && !map.has("limit"))
        problems.add(map.at(), "\"limit_param\" needs \"limit\"");
}

void read_cursor(const MapReader& map, Pagination& pagination, Problems& problems) {
    (void)map.require("next", "where is the token?");
    pagination.next = map.expression("next");
    pagination.more = map.expression("more");
    if (const YamlNode* into = map.require("into", "which parameter takes the token?"))
        pagination.into = read_into(*into, "into", problems);
}

/// The last record's value, which the next page begins behind.
void read_last_id(const MapReader& map, Pagination& pagination, Problems& problems) {
    pagination.last_id = true;
    (void)map.require("from", "which value of the last record?");
    pagination.next = map.expression("from");
    if (const YamlNode* into = map.require("into", "which parameter takes it?"))
        pagination.into = read_into(*into, "into", problems);
}

/// Names of paginators that need more than their name are told so; true if `node` is one.
bool needs_fields(const YamlNode& node, Problems& problems) {
    for (const std::string_view kind : {"next_url", "page", "offset", "cursor", "last_id"}) {
        if (!node.is_scalar() || node.text != kind) continue;
        problems.add(node.at, fmt::format("\"{}\" needs its fields: paginate: {{{}: …}}", kind, kind));
        return true;
    }
    return false;
}

void read_kind(const MapReader& map, Pagination& pagination, Problems& problems) {
    using Kind = Pagination::Kind;
    const auto which = map.one_of({"type", "next_url", "page", "offset", "cursor", "last_id"});
    if (which == "type" && !needs_fields(*map.node().find("type"), problems))
        pagination.kind = choose<Kind>(map.choice("type"),
                                       {{"none", Kind::none}, {"link", Kind::link}}, Kind::none);
    if (which == "next_url") {
        pagination.kind = Kind::next_url;
        pagination.next = map.expression("next_url");
    }
    if (which == "page") {
        pagination.kind = Kind::page;
        if (const auto page = map.open("page")) read_page(*page, pagination, problems);
    }
    if (which == "offset") {
        pagination.kind = Kind::offset;
        if (const auto offset = map.open("offset")) read_offset(*offset, pagination, problems);
    }
    if (which == "cursor") {
        pagination.kind = Kind::cursor;
        if (const auto cursor = map.open("cursor")) read_cursor(*cursor, pagination, problems);
    }
    if (which == "last_id") {
        pagination.kind = Kind::cursor;
        if (const auto last = map.open("last_id")) read_last_id(*last, pagination, problems);
    }
    pagination.stop_when = map.expression("stop_when");
    if (!which)
        problems.add(map.at(),
                     "\"type\", \"next_url\", \"page\", \"offset\", \"cursor\" or \"last_id\" is missing: how is "
                     "the next page found?");
}

/// `none` or `link`.
void read_word(const YamlNode& node, Pagination& pagination, Problems& problems) {
    using Kind = Pagination::Kind;
    if (needs_fields(node, problems)) return;
    pagination.kind =
        choose<Kind>(read_choice(node, "paginate", "streams.*.paginate.type", problems),
                     {{"none", Kind::none}, {"link", Kind::link}}, Kind::none);
}

}  // namespace

PageBounds read_page_bounds(const MapReader& map) {
    PageBounds bounds;
    if (const auto pages = map.whole_number("max_pages", {1, page_seq_max}, 0); pages > 0)
        bounds.max_pages = pages;
    using OnMax = Pagination::OnMax;
    if (const auto word = map.choice("on_max"))
        bounds.on_max = choose<OnMax>(
            word, {{"truncated", OnMax::truncated}, {"stuck", OnMax::stuck}, {"split", OnMax::split}}, OnMax::stuck);
    return bounds;
}

PaginationPart read_pagination(const YamlNode& node, Problems& problems) {
    PaginationPart part;
    if (node.is_map()) {
        const MapReader map{node, std::string(paginate_path), problems};
        read_kind(map, part.pagination, problems);
        part.bounds = read_page_bounds(map);
    } else if (node.is_scalar()) {
        read_word(node, part.pagination, problems);
    } else {
        problems.add(node.at, "\"paginate\" must be none, link or a map");
    }
    return part;
}

}  // namespace pawl::core::reading
