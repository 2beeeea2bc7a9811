#include "core/source_map.hpp"

#include <fmt/format.h>

#include "core/characters.hpp"

namespace pawl::core::reading {

MapReader::MapReader(const YamlNode& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
    check_keys();
}

void MapReader::check_keys() const {
    for (const YamlNode::Member& member : node_.members) {
        const Field* field = find_source_field(path_, member.name);
        if (field == nullptr)
            problems_.add(member.at, fmt::format("unknown key \"{}\"", member.name),
                          did_you_mean(member.name, source_field_names(path_)));
        else if (!field->built)
            problems_.add(member.at, not_supported(member.name));
    }
}

const YamlNode* MapReader::find(std::string_view name) const {
    const YamlNode* found = node_.find(name);
    if (found == nullptr || found->kind == YamlNode::Kind::invalid) return nullptr;
    if (!found->is_null()) return found;
    problems_.add(found->at, fmt::format("\"{}\" has no value", name));
    return nullptr;
}

const YamlNode* MapReader::require(std::string_view name, std::string_view why) const {
    if (!has(name)) {
        std::string message = fmt::format("\"{}\" is missing", name);
        if (!why.empty()) message += fmt::format(": {}", why);
        problems_.add(node_.at, std::move(message));
    }
    return find(name);
}

std::optional<MapReader> MapReader::open(std::string_view name) const {
    const YamlNode* found = find(name);
    if (found == nullptr) return std::nullopt;
    if (found->is_map())
        return MapReader{*found,
                         path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name),
                         problems_};
    add_wrong_type(*found, name, "a map", problems_);
    return std::nullopt;
}

std::string MapReader::text(std::string_view name, std::string fallback) const {
    const YamlNode* found = find(name);
    return found == nullptr ? fallback : read_text(*found, name, problems_).value_or(fallback);
}

std::int64_t MapReader::whole_number(std::string_view name, Bounds bounds,
                                     std::int64_t fallback) const {
    const YamlNode* found = find(name);
    return found == nullptr ? fallback
                            : read_whole_number(*found, name, bounds, problems_).value_or(fallback);
}

bool MapReader::boolean(std::string_view name, bool fallback) const {
    const YamlNode* found = find(name);
    return found == nullptr ? fallback : read_boolean(*found, name, problems_).value_or(fallback);
}

std::optional<Micros> MapReader::duration(std::string_view name) const {
    const YamlNode* found = find(name);
    return found == nullptr ? std::nullopt : read_duration(*found, name, problems_);
}

std::optional<Expression> MapReader::expression(std::string_view name) const {
    auto read = records_path(name);
    if (read && !read->has_value())
        problems_.add(find(name)->at, fmt::format("\"{}\" must be one value: {} yields records, for \"each\"", name, read->text()));
    return read;
}

std::optional<Expression> MapReader::records_path(std::string_view name) const {
    const YamlNode* found = find(name);
    return found == nullptr ? std::nullopt : read_expression(*found, name, problems_);
}

std::string MapReader::header_name(std::string_view name) const {
    const YamlNode* found = find(name);
    return found == nullptr ? "" : lower(read_header_name(*found, name, problems_).value_or(""));
}

std::optional<std::string> MapReader::choice(std::string_view name) const {
    const YamlNode* found = find(name);
    if (found == nullptr) return std::nullopt;
    return read_choice(*found, name, fmt::format("{}.{}", path_, name), problems_);
}

std::optional<std::string> MapReader::one_of(const std::vector<std::string>& names) const {
    std::vector<std::string> present;
    for (const std::string& name : names)
        if (has(name)) present.push_back(name);
    if (present.empty()) return std::nullopt;
    if (present.size() > 1)
        problems_.add(node_.at, fmt::format("{} exclude each other", enumerate(quoted(present))));
    return present.front();
}

}  // namespace pawl::core::reading
