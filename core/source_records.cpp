#include <fmt/format.h>

#include "core/pattern.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

// Patterns are compiled with the same flags by the worker (Perl syntax, ^ and $ at lines).
bool has_named_group(std::string_view pattern) {
    for (std::size_t at = pattern.find("(?<"); at != std::string_view::npos;
         at = pattern.find("(?<", at + 1))
        if (at + 3 < pattern.size() && pattern[at + 3] != '=' && pattern[at + 3] != '!')
            return true;
    return false;
}

std::string read_pattern(const MapReader& map, std::string_view name, Problems& problems) {
    const YamlNode* node = map.find(name);
    if (node == nullptr) return "";
    std::string pattern = map.text(name);
    if (pattern.empty()) return pattern;
    try {
        (void)Pattern::compile(pattern);
    } catch (const ExpressionError& error) {
        problems.add(node->position_of(error.column),
                     fmt::format("\"{}\" is not a regular expression: {}", name, error.what()));
        return pattern;
    }
    if (!has_named_group(pattern))
        problems.add(node->at,
                     fmt::format("\"{}\" has no named group: (?<name>…) makes a field", name));
    return pattern;
}

void read_text_records(const MapReader& map, Stream& stream, Problems& problems) {
    const auto records = map.open("records");
    if (!records) {
        if (!map.has("records"))
            problems.add(map.at(), "\"records\" is missing: text needs records: {match: …}");
        return;
    }
    (void)records->require("match", "what is a record?");
    stream.text_records.split = read_pattern(*records, "split", problems);
    stream.text_records.match = read_pattern(*records, "match", problems);
}

}  // namespace

void read_records(const MapReader& map, Stream& stream, Problems& problems) {
    stream.decode = choose<Stream::Decode>(
        map.choice("decode"), {{"json", Stream::Decode::json}, {"text", Stream::Decode::text}},
        Stream::Decode::json);
    if (stream.decode == Stream::Decode::text) return read_text_records(map, stream, problems);
    const YamlNode* node = map.find("records");
    if (node == nullptr) return;
    if (node->is_map()) {
        if (!map.has("decode"))
            problems.add(node->at, "\"split\" and \"match\" need \"decode: text\"");
        else if (map.node().find("decode")->text == "json")
            problems.add(node->at, "\"records\" of json is a path such as $.items[*]");
        return;
    }
    stream.records = map.expression("records");
    if (stream.records && stream.records->yields_parts())
        problems.add(node->at, "split() is for \"each\": \"records\" is a path such as $.items[*]");
}

}  // namespace pawl::core::reading
