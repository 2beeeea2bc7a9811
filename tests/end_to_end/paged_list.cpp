#include "tests/end_to_end/paged_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url.hpp>

namespace pawl::test {

namespace {

constexpr std::size_t page_size = 6;

std::string time_of(const PagedList::Item& item) {
    return fmt::format("2026-01-{:02}T{:02}:{:02}:00Z", 1 + item.minute / 1440, item.minute / 60 % 24, item.minute % 60);
}

std::string body_of(const std::string& format, const std::vector<PagedList::Item>& items) {
    std::string body = format == "json" ? "[" : format == "csv" ? "id,updated,name\r\n" : format == "xml" ? "<items>" : "";
    bool first = true;
    for (const auto& item : items) {
        if (format == "json" && !first) body += ",";
        first = false;
        if (format == "json" || format == "jsonl")
            body += fmt::format(R"({{"id":{},"updated":"{}","name":"{}"}})", item.id, time_of(item), item.name);
        if (format == "jsonl") body += "\n";
        if (format == "csv") body += fmt::format("{},{},\"{}\"\r\n", item.id, time_of(item), item.name);
        if (format == "xml")
            body += fmt::format("<item><id>{}</id><updated>{}</updated><name>{}</name></item>", item.id, time_of(item), item.name);
        if (format == "text") body += fmt::format("id={} updated={} name={}\n", item.id, time_of(item), item.name);
    }
    return body + (format == "json" ? "]" : format == "xml" ? "</items>" : "");
}

std::string parameter(const boost::urls::url_view& url, const std::string& name) {
    const auto found = url.params().find(name);
    return found == url.params().end() ? "" : std::string((*found).value);
}

std::int64_t number(const std::string& text, std::int64_t fallback) { return text.empty() ? fallback : std::stoll(text); }

/// Where in `items` the page begins.
std::size_t begin_of(const boost::urls::url_view& url, const std::vector<PagedList::Item>& items) {
    const auto at = parameter(url, "at"), after = parameter(url, "after"), last = parameter(url, "since_id");
    if (!at.empty()) return std::stoull(at);
    if (!after.empty()) return std::stoull(after.substr(1));  // "c12"
    if (!last.empty()) {
        const auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) { return std::to_string(item.id) == last; });
        return static_cast<std::size_t>(found - items.begin()) + 1;
    }
    const auto page = number(parameter(url, "page"), 1);
    return static_cast<std::size_t>(number(parameter(url, "offset"), (page - 1) * static_cast<std::int64_t>(page_size)));
}

std::string paginate_of(const Way& way) {
    if (way.paginator == "next_url") return "{next_url: header.x_next_url}";
    if (way.paginator == "cursor") return "{cursor: {next: header.x_next, into: query.after}}";
    if (way.paginator == "page") return "{page: {param: page, size_param: per, size: 6, last: header.x_pages}}";
    if (way.paginator == "offset") return "{offset: {param: offset, limit_param: limit, limit: 6, total: header.x_total}}";
    if (way.paginator != "last_id") return way.paginator;
    return fmt::format("{{last_id: {{from: \"{}[-1].id\", into: query.since_id}}}}", way.format == "xml" ? "$.items.item" : "$");
}

std::string records_of(const Way& way) {
    if (way.format == "xml") return "    decode: {xml: {lists: [item]}}\n    records: {element: item}\n";
    if (way.format == "text")
        return "    decode: text\n    records: {match: '^id=(?<id>\\d+) updated=(?<updated>\\S+) name=(?<name>.*)$'}\n";
    return "    decode: " + way.format + "\n    records: \"$[*]\"\n";
}

std::string incremental_of(const Way& way) {
    if (way.mode == "since") return "    incremental: {since: {field: $.updated, into: query.since}}\n";
    if (way.mode == "newest") return "    incremental: {newest_first: {field: $.updated}}\n";
    if (way.mode == "window")
        return "    incremental: {window: {from_into: query.from, to_into: query.to, start: 0, end: 60, step: 10, lookback: 60}}\n";
    return "";
}

}  // namespace

std::vector<PagedList::Item> PagedList::asked_for(const std::string& mode, const std::string& target) const {
    const auto url = boost::urls::parse_relative_ref(target).value();
    auto found = items;
    const auto since = parameter(url, "since");
    if (!since.empty()) std::erase_if(found, [&](const Item& item) { return time_of(item) < since; });
    const auto from = number(parameter(url, "from"), 0), to = number(parameter(url, "to"), 1'000'000);
    std::erase_if(found, [&](const Item& item) { return item.id < from || item.id >= to; });
    std::sort(found.begin(), found.end(), [&](const Item& a, const Item& b) {
        return mode == "newest" ? std::pair(a.minute, a.id) > std::pair(b.minute, b.id) : a.id < b.id;
    });
    return found;
}

ScriptedServer::Script PagedList::answer(const std::string& target) const {
    const auto url = boost::urls::parse_relative_ref(target).value();
    std::vector<std::string> way;
    for (const auto segment : url.segments()) way.emplace_back(segment);
    const auto all = asked_for(way.at(2), target);
    const bool whole = way.at(0) == "none";
    const auto begin = whole ? 0 : std::min(begin_of(url, all), all.size());
    const auto end = whole ? all.size() : std::min(begin + page_size, all.size());
    std::string headers = "X-Total: " + std::to_string(all.size()) + "\r\nX-Pages: " +
                          std::to_string(std::max<std::size_t>(1, (all.size() + page_size - 1) / page_size)) + "\r\n";
    if (end < all.size()) {
        auto next = boost::urls::url(url);
        next.params().set("at", std::to_string(end));
        const std::string text(next.buffer());
        headers += "X-Next: c" + std::to_string(end) + "\r\nX-Next-Url: " + text + "\r\nLink: <" + text + ">; rel=\"next\"\r\n";
    }
    return ScriptedServer::ok(body_of(way.at(1), {all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end)}), headers);
}

std::string PagedList::rows() const {
    auto sorted = items;
    std::sort(sorted.begin(), sorted.end(), [](const Item& a, const Item& b) { return a.id < b.id; });
    std::string text;
    for (const auto& item : sorted) text += (text.empty() ? "" : "\n") + fmt::format("{} {} {}", item.id, item.minute, item.name);
    return text;
}

std::vector<Way> all_ways() {
    std::vector<Way> ways;
    for (const char* paginator : {"none", "link", "next_url", "cursor", "page", "offset", "last_id"})
        for (const char* format : {"json", "jsonl", "csv", "xml", "text"})
            for (const char* mode : {"whole", "since", "window", "newest"}) ways.push_back({paginator, format, mode});
    return ways;
}

std::string paged_source(const std::vector<Way>& ways) {
    std::string source = "source: ways\nbase_url: \"${API}\"\nstreams:\n";
    for (const Way& way : ways)
        source += fmt::format(
            "  {}:\n    path: /{}/{}/{}\n    paginate: {}\n{}{}    emit: {{table: {}, key: [id], set: {{id: \"$.id as bigint\", "
            "updated: \"$.updated as timestamptz\", name: \"$.name as text\"}}}}\n",
            way.name(), way.paginator, way.format, way.mode, paginate_of(way), records_of(way), incremental_of(way), way.name());
    return source;
}

}  // namespace pawl::test
