#include "app/derived_name.hpp"

#include "app/page_sample.hpp"
#include "core/characters.hpp"

namespace pawl::app {

namespace {

constexpr std::size_t derived_name_max = 40;  // a source's name is not longer

bool is_letter(char c) { return core::lower(c) >= 'a' && core::lower(c) <= 'z'; }

std::string_view host_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return url.substr(0, url.find_first_of("/?#:"));
}

}  // namespace

std::string name_of(std::string_view text) {
    std::string name;
    bool was_small = false;
    for (const char c : text) {
        const bool is_part = is_letter(c) || core::is_digit(c);
        if (!is_part) {
            if (!name.empty() && name.back() != '_') name += '_';
        } else if (!name.empty() || is_letter(c)) {
            if (core::lower(c) != c && was_small) name += '_';  // fullName: full_name
            name += core::lower(c);
        }
        was_small = is_part && core::lower(c) == c;
    }
    name = name.substr(0, derived_name_max);
    while (name.ends_with('_')) name.pop_back();
    return name;
}

std::string source_name(std::string_view text) {
    const auto name = name_of(text);
    const bool is_taken = name == "pawl" || name == "information_schema" || name.starts_with("pg_");  // schemas of others
    return is_taken ? "api_" + name : name;
}

std::string source_name_of(std::string_view url) {
    std::string_view host = host_of(url);
    if (host.find_first_not_of("0123456789.") == std::string_view::npos) return "api";
    const std::size_t last = host.rfind('.');
    if (last != std::string_view::npos) host = host.substr(0, last);
    const auto name = source_name(host.substr(host.rfind('.') + 1));
    return name.empty() ? "api" : name;
}

std::string stream_name_of(std::string_view url) {
    const std::string path = split_url(url).path;
    std::string_view rest = path;
    for (const std::string_view ending : {".json", "/"})
        if (rest.ends_with(ending)) rest.remove_suffix(ending.size());
    while (!rest.empty()) {
        const std::size_t slash = rest.rfind('/');
        const std::string_view part = rest.substr(slash + 1);  // all of it where there is none
        const bool is_number = part.find_first_not_of("0123456789") == std::string_view::npos;
        const auto name = name_of(part);
        if (!name.empty() && !is_number && part.find('%') == std::string_view::npos) return name;
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash);
    }
    return "records";
}

}  // namespace pawl::app
