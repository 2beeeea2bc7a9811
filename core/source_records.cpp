#include <fmt/format.h>

#include <algorithm>

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
    for (const std::string_view key : {"rows", "columns", "element"})
        if (records->has(key))
            problems.add(records->node().find(key)->at, fmt::format("\"{}\" is not for text: it has \"match\"", key));
    (void)records->require("match", "what is a record?");
    stream.text_records.split = read_pattern(*records, "split", problems);
    stream.text_records.match = read_pattern(*records, "match", problems);
}

/// Names as the data writes them, which may be anything but nothing.
std::vector<std::string> read_data_names(const YamlNode& node, std::string_view name, Problems& problems) {
    const auto one = [&](const YamlNode& item) { return read_text(item, name, problems); };
    if (node.is_sequence()) return read_different(node, name, one, problems);
    add_wrong_type(node, name, "a list of names", problems);
    return {};
}

/// One character of ASCII that can stand between or around fields.
char read_character(const MapReader& map, std::string_view name, char fallback, Problems& problems) {
    const YamlNode* node = map.find(name);
    if (node == nullptr) return fallback;
    if (node->is_scalar() && node->text.size() == 1 && node->text.find_first_of("\r\n") == std::string::npos &&
        static_cast<unsigned char>(node->text[0]) < 0x80)
        return node->text[0];
    add_wrong_type(*node, name, "one character of ASCII", problems);
    return fallback;
}

void read_csv(const MapReader& map, CsvOptions& csv, Problems& problems) {
    csv.delimiter = read_character(map, "delimiter", csv.delimiter, problems);
    const YamlNode* quote = map.find("quote");
    const bool unquoted = quote != nullptr && quote->is_scalar() && quote->text == "none";
    csv.quote = unquoted ? '\0' : read_character(map, "quote", csv.quote, problems);
    if (csv.quote == csv.delimiter)
        problems.add(map.at(), "\"delimiter\" and \"quote\" are the same character");
    if (const YamlNode* header = map.find("header")) csv.header = read_data_names(*header, "header", problems);
    csv.skip = static_cast<int>(map.whole_number("skip", {0, 1'000'000}, 0));
}

Stream::Decode decode_of(const std::optional<std::string>& word) {
    using Decode = Stream::Decode;
    return choose<Decode>(word,
                          {{"json", Decode::json}, {"jsonl", Decode::jsonl}, {"csv", Decode::csv}, {"xml", Decode::xml}, {"text", Decode::text}},
                          Decode::json);
}

/// A word, or `{csv: …}` and `{xml: …}` with their options.
void read_decode(const MapReader& map, Stream& stream, Problems& problems) {
    const YamlNode* node = map.find("decode");
    if (node == nullptr) return;
    if (!node->is_map()) {
        stream.decode = decode_of(map.choice("decode"));
        return;
    }
    const auto options = map.open("decode");
    const auto word = options->one_of({"csv", "xml"});
    if (!word) {
        if (node->members.empty()) problems.add(node->at, "\"decode\" is empty");
        return;
    }
    stream.decode = decode_of(word);
    const auto of_word = options->open(*word);
    if (!of_word) return;
    if (stream.decode == Stream::Decode::csv) return read_csv(*of_word, stream.csv, problems);
    if (const YamlNode* lists = of_word->find("lists")) stream.xml.lists = read_data_names(*lists, "lists", problems);
}

std::optional<Expression> read_path(const MapReader& map, std::string_view name, Problems& problems) {
    auto path = map.records_path(name);
    if (path && path->yields_parts())
        problems.add(map.find(name)->at, fmt::format("split() is for \"each\": \"{}\" is a path such as $.items[*]", name));
    return path;
}

void read_rows(const MapReader& records, Stream& stream, Problems& problems) {
    (void)records.require("rows", "where are the records?");
    stream.records = read_path(records, "rows", problems);
    stream.row_columns.emplace();
    const YamlNode* columns = records.require("columns", "what are their values called?");
    if (columns == nullptr) return;
    if (columns->is_sequence())
        stream.row_columns->names = read_data_names(*columns, "columns", problems);
    else
        stream.row_columns->path = read_path(records, "columns", problems);
}

/// The map that `records` may be where the body is no text.
void read_records_map(const MapReader& map, Stream& stream, Problems& problems) {
    const auto records = map.open("records");
    const bool xml = stream.decode == Stream::Decode::xml;
    for (const std::string_view key : {"split", "match"})
        if (records->has(key)) {
            problems.add(records->at(), "\"split\" and \"match\" need \"decode: text\"");
            return;
        }
    if (records->has("element")) {
        (void)records->one_of({"element", "rows"});
        if (!xml) problems.add(records->at(), "\"element\" needs \"decode: xml\"");
        stream.records_element = records->text("element");
        return;
    }
    if (records->has("rows") || records->has("columns")) {
        if (xml || stream.decode == Stream::Decode::csv)
            problems.add(records->at(), "\"rows\" and \"columns\" are for json and jsonl");
        return read_rows(*records, stream, problems);
    }
    if (records->node().members.empty())
        problems.add(records->at(), "\"records\" is a path such as $.items[*], or {rows: …, columns: …}");
}

}  // namespace

void read_records(const MapReader& map, Stream& stream, Problems& problems) {
    read_decode(map, stream, problems);
    if (stream.decode == Stream::Decode::text) return read_text_records(map, stream, problems);
    const YamlNode* node = map.find("records");
    if (node == nullptr) return;
    if (node->is_map()) return read_records_map(map, stream, problems);
    stream.records = read_path(map, "records", problems);
}

}  // namespace pawl::core::reading
