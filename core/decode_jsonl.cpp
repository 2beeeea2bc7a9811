#include "core/decode_jsonl.hpp"

#include <vector>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/json_array.hpp"
#include "core/json_document.hpp"
#include "core/json_indexer.hpp"
#include "core/json_projection.hpp"

namespace pawl::core {

namespace {

// Joined lines may be JSON where the lines are not: `{"a": 1` and `"b": 2}`. So each is looked at alone.
void check_line(std::string_view line, std::size_t number, std::vector<JsonDocument::Value>& values) {
    static const JsonProjection nothing;
    try {
        values.clear();
        index_json(line, {.bounds = {}, .wanted = &nothing, .checked = false}, values);
    } catch (const PermanentError& error) {
        throw PermanentError("line " + std::to_string(number) + ": " + error.what());
    }
}

}  // namespace

std::string jsonl_as_json(std::string text) {
    text.reserve(text.size() + JsonDocument::padding);
    JsonArray array;
    array.reserve(text.size() + JsonDocument::padding + 2);
    std::vector<JsonDocument::Value> values;
    const std::string_view all = text;
    std::size_t number = 0;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\n', at), all.size());
        const auto line = trimmed(all.substr(at, end - at));
        at = end + 1;
        ++number;
        if (line.empty()) continue;
        check_line(line, number, values);
        array.next() += line;
    }
    return std::move(array).finish();
}

}  // namespace pawl::core
