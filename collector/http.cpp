#include "collector/http.hpp"

#include <algorithm>

#include "core/characters.hpp"

namespace pawl::collector {

std::string link_header_of(const Headers& headers) {
    std::string joined;
    for (const auto& [name, value] : headers) {
        if (name != "link") continue;
        if (!joined.empty()) joined += ", ";
        joined += value;
    }
    return joined;
}

bool has_header(const Headers& headers, std::string_view lower_case_name) {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto& header) { return core::lower(header.first) == lower_case_name; });
}

std::optional<std::string_view> HttpResponse::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers)
        if (name == lower_case_name) return value;
    return std::nullopt;
}

}  // namespace pawl::collector
