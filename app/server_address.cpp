#include "app/server_address.hpp"

#include <regex>

namespace pawl::app {

std::string without_password(const std::string& url) {
    std::string text = url;
    const auto scheme = text.find("://");
    if (scheme != std::string::npos) {
        const auto begin = scheme + 3;
        const auto path = text.find_first_of("/?", begin);
        const auto at = text.rfind('@', path == std::string::npos ? text.size() : path);
        const auto colon = text.find(':', begin);
        if (at != std::string::npos && at > begin && colon != std::string::npos && colon < at)
            text.erase(colon, at - colon);
    }
    // password=… as a keyword ('…' with \' inside) or as a parameter of the URL; sslpassword too.
    static const std::regex keyword(
        R"(([&\s]|\?|^)((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]*))", std::regex::icase);
    return std::regex_replace(text, keyword, "$1$2***");
}

std::string postgres_address(const core::Settings& settings,
                             const std::map<std::string, std::string>& environment) {
    if (!settings.postgres.url.empty()) return without_password(settings.postgres.url);
    std::string text;
    for (const char* name :
         {"PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"}) {
        const auto found = environment.find(name);
        if (found != environment.end())
            text += (text.empty() ? "" : " ") + found->first + "=" + found->second;
    }
    return text.empty() ? "libpq's defaults" : text;
}

}  // namespace pawl::app
