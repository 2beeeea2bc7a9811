#include "core/decode_text.hpp"

#include <boost/regex.hpp>
#include <map>
#include <vector>

#include "core/errors.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

constexpr std::size_t matches_max = 1'000'000;

using Groups = std::map<std::string, std::string>;

/// Names in the order they stand in the pattern: `(?<login>…)`.
std::vector<std::string> group_names(const std::string& pattern) {
    static const boost::regex name_of(R"(\(\?<([A-Za-z_][A-Za-z0-9_]*)>)");
    std::vector<std::string> names;
    for (boost::sregex_iterator it(pattern.begin(), pattern.end(), name_of), end; it != end; ++it)
        names.push_back((*it)[1]);
    return names;
}

struct RecordPattern {
    boost::regex expression;
    std::vector<std::string> names;

    explicit RecordPattern(const std::string& text) : expression(text), names(group_names(text)) {}

    void read(const boost::smatch& match, Groups& groups) const {
        for (const auto& name : names) {
            const auto group = match[name];
            if (group.matched) groups[name] = group.str();
        }
    }
};

void append_record(std::string& out, const Groups& groups) {
    out += out.size() > 1 ? ",{" : "{";
    bool first = true;
    for (const auto& [name, value] : groups) {
        if (!first) out += ',';
        first = false;
        out += quote_json(name) + ':' + quote_json(value);
    }
    out += '}';
}

}  // namespace

std::string text_as_json(const TextRecords& spec, std::string_view clean) {
    std::string out = "[";
    std::size_t count = 0;
    const auto add = [&](const Groups& groups) {
        if (++count > matches_max) throw PermanentError("a text with more than 1,000,000 records");
        append_record(out, groups);
    };
    try {
        std::optional<RecordPattern> split, match;
        if (!spec.split.empty()) split.emplace(spec.split);
        if (!spec.match.empty()) match.emplace(spec.match);
        Groups carried;
        for (std::size_t at = 0; at <= clean.size();) {
            auto end = clean.find('\n', at);
            if (end == std::string_view::npos) end = clean.size();
            std::string line(clean.substr(at, end - at));
            at = end + 1;
            if (!line.empty() && line.back() == '\r') line.pop_back();
            boost::smatch found;
            if (split && boost::regex_search(line, found, split->expression)) {
                carried.clear();
                split->read(found, carried);
            }
            if (!match) {
                if (line.empty()) continue;
                Groups groups = carried;
                groups["line"] = line;
                add(groups);
                continue;
            }
            for (boost::sregex_iterator it(line.begin(), line.end(), match->expression), none; it != none; ++it) {
                Groups groups = carried;
                match->read(*it, groups);
                add(groups);
            }
        }
    } catch (const std::runtime_error& error) {
        // boost::regex gives up on patterns that backtrack too much: the text can never be read with this pattern.
        throw PermanentError(std::string("records.match or records.split: ") + error.what());
    }
    return out += ']';
}

}  // namespace pawl::core
