#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/page_sample.hpp"
#include "collector/http.hpp"

namespace pawl::app {

/// Where a request carries its key, and the variable that holds it: never the key itself.
struct KeyPlace {
    std::string variable;
    bool in_query = false;
    std::string name;   ///< of the header or parameter
    std::string value;  ///< "Bearer {key}", "{key}"
};

/// The request of `init --from`: as it is sent, and as the source file says it. Every header but those that cannot be secret
/// (Accept, User-Agent …), and every parameter that is called like a secret, stands in the file as a variable.
struct InitRequest {
    std::string url;             ///< as sent
    collector::Headers headers;  ///< as sent
    UrlParts parts;              ///< as written, templates; without the key's parameter
    NamedTexts written_headers;  ///< templates
    std::optional<KeyPlace> key;
    std::vector<std::string> variables;  ///< that the file cannot be read without
};

/// `headers` are "Name: value", where `${VAR}` stands for a variable of `environment`, as in `url`. Remembers secrets, so that
/// nothing shows them. Throws UsageError for what is no URL or header, and core::ConfigError for a variable that is not set.
[[nodiscard]] InitRequest init_request(const std::string& url, const std::vector<std::string>& headers,
                                       const std::string& source, const std::map<std::string, std::string>& environment);

}  // namespace pawl::app
