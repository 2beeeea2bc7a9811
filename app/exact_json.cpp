#include "app/exact_json.hpp"

namespace pawl::app {

namespace {

/// What is left of JSON text without blanks and without what its strings hold.
std::string bones_of(std::string_view text, bool with_strings) {
    std::string bones;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '"') {
            const auto end = std::min(end_of_json_string(text, at), text.size());
            bones += with_strings ? text.substr(at, end - at) : "\"";
            at = end;
        } else {
            if (std::string_view(" \t\r\n").find(text[at]) == std::string_view::npos) bones += text[at];
            ++at;
        }
    }
    return bones;
}

}  // namespace

std::size_t end_of_json_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"')
            return at + 1;
    }
    return std::string_view::npos;
}

std::optional<nlohmann::ordered_json> as_exact_json(std::string_view text) {
    auto parsed = nlohmann::ordered_json::parse(text, nullptr, false);
    if (parsed.is_discarded() || bones_of(parsed.dump(), false) != bones_of(text, false)) return std::nullopt;
    return parsed;
}

std::string compact_json(std::string_view text) { return bones_of(text, true); }

}  // namespace pawl::app
