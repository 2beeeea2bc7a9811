#include "app/page_sample.hpp"

#include <algorithm>

#include "core/characters.hpp"
#include "core/errors.hpp"

namespace pawl::app {

namespace {

constexpr std::size_t depth_max = 3;       // deeper than any API tells about its pages
constexpr std::size_t leaves_max = 1'000;  // an object with more members is a map of records
constexpr std::size_t comment_max = 160;

/// As forms and most clients write it: `+` is a blank.
std::string decoded_part(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int code = text[i] == '%' ? core::hex_number(text, i + 1, 2) : -1;
        if (code > 0x1f && code != 0x7f) {
            out += static_cast<char>(code);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

bool is_word(std::string_view name) {
    return !name.empty() && !core::is_digit(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
        return core::is_digit(c) || c == '_' || (core::lower(c) >= 'a' && core::lower(c) <= 'z');
    });
}

void add_leaves(const nlohmann::json& object, std::vector<std::string>& steps, std::vector<PageLeaf>& into) {
    for (const auto& [name, value] : object.items()) {
        if (value.is_array() || into.size() >= leaves_max) continue;
        steps.push_back(name);
        if (!value.is_object())
            into.push_back({steps, &value});
        else if (steps.size() < depth_max)
            add_leaves(value, steps, into);
        steps.pop_back();
    }
}

}  // namespace

UrlParts split_url(std::string_view url) {
    UrlParts parts;
    url = url.substr(0, url.find('#'));
    const std::size_t question = url.find('?');
    std::string_view query = question == std::string_view::npos ? "" : url.substr(question + 1);
    url = url.substr(0, question);
    const std::size_t scheme = url.find("://");
    const std::size_t slash = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
    parts.origin = std::string(url.substr(0, slash));
    parts.path = slash == std::string_view::npos ? "/" : std::string(url.substr(slash));
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        const std::size_t equals = one.find('=');
        if (!one.empty())
            parts.query.emplace_back(decoded_part(one.substr(0, equals)),
                                     equals == std::string_view::npos ? "" : decoded_part(one.substr(equals + 1)));
        query.remove_prefix(std::min(one.size() + 1, query.size()));
    }
    return parts;
}

PageSample::PageSample(std::string_view asked, const collector::HttpResponse& response, std::int64_t came_at)
    : url(split_url(asked)), headers(response.headers), now(came_at) {
    std::string_view body = response.body;
    if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
    document = nlohmann::json::parse(body, nullptr, false);
    if (document.is_discarded()) {
        const auto type = response.header("content-type");
        throw core::PermanentError(
            "the answer is not JSON" + (type ? " but " + comment_text(*type) : "") +
            ": init proposes from JSON only; write the file with \"decode\" (pawl config explain decode)");
    }
    if (!document.is_structured()) throw core::PermanentError("the answer is a single value: there are no records in it");
}

std::string PageSample::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers)
        if (name == lower_case_name) return value;
    return "";
}

const std::string* PageSample::query(std::string_view name) const {
    for (const auto& [parameter, value] : url.query)
        if (parameter == name) return &value;
    return nullptr;
}

std::vector<PageLeaf> PageSample::leaves() const {
    std::vector<PageLeaf> found;
    std::vector<std::string> steps;
    if (document.is_object()) add_leaves(document, steps, found);
    std::stable_sort(found.begin(), found.end(),
                     [](const PageLeaf& a, const PageLeaf& b) { return a.steps.size() < b.steps.size(); });
    return found;
}

std::string plain_name(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (c != '_' && c != '-' && c != ' ') out += core::lower(c);
    return out;
}

std::string path_text(const std::vector<std::string>& steps) {
    std::string path = "$";
    for (const auto& step : steps) path += is_word(step) ? "." + step : "['" + step + "']";
    return path;
}

std::string yaml_scalar(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/$";
    static const std::vector<std::string> words{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    const bool is_plain = !text.empty() && text.find_first_not_of(plain) == std::string_view::npos &&
                          (is_word(text.substr(0, 1)) || text[0] == '/' || text[0] == '$') &&
                          std::find(words.begin(), words.end(), core::lower(text)) == words.end();
    if (is_plain) return std::string(text);
    if (!text.empty() && text.size() < 18 && text[0] != '0' && std::all_of(text.begin(), text.end(), core::is_digit))
        return std::string(text);
    return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_fit_name(std::string_view name) {
    return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
               std::string_view("'\\${}").find(c) != std::string_view::npos;
    });
}

std::string comment_text(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, comment_max)) out += c >= 0x20 && c < 0x7f ? c : ' ';
    if (text.size() > comment_max) out += "...";
    return out;
}

}  // namespace pawl::app
