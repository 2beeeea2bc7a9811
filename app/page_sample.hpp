#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/http.hpp"

namespace pawl::app {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

/// A URL as a source file takes it apart. `${VAR}` stays as it is.
struct UrlParts {
    std::string origin;  ///< scheme, host, port
    std::string path;    ///< "/" at least
    NamedTexts query;    ///< decoded
};
[[nodiscard]] UrlParts split_url(std::string_view url);

/// A value of the response that is no object and no array, outside of the records, and the names that lead to it.
struct PageLeaf {
    std::vector<std::string> steps;
    const nlohmann::json* value = nullptr;

    [[nodiscard]] const std::string& name() const { return steps.back(); }
};

/// One answer of an API, as `init --from` looks at it: what guesses are made of.
struct PageSample {
    UrlParts url;
    collector::Headers headers;  ///< of the response
    nlohmann::json document;
    std::int64_t now = 0;  ///< seconds since 1970, when it came

    /// Reads the body. Throws core::PermanentError when it is no JSON, or nothing that holds records.
    PageSample(std::string_view asked, const collector::HttpResponse& response, std::int64_t came_at);

    [[nodiscard]] std::string header(std::string_view lower_case_name) const;  ///< "" where there is none
    [[nodiscard]] const std::string* query(std::string_view name) const;       ///< of the URL
    /// Values at most three names deep, in the document's order by depth.
    [[nodiscard]] std::vector<PageLeaf> leaves() const;
};

/// "Next_Page" and "nextPage" are both "nextpage": how names are compared.
[[nodiscard]] std::string plain_name(std::string_view name);
/// The path to a value: `$.a.b`, `$['odd name']`.
[[nodiscard]] std::string path_text(const std::vector<std::string>& steps);
/// A YAML scalar for a flow map that means exactly this text.
[[nodiscard]] std::string yaml_scalar(std::string_view text);
/// A name that can stand in a path and in a comment: without quotes, braces, `$` and control characters.
[[nodiscard]] bool is_fit_name(std::string_view name);
/// `text` of a response so that it can stand in a comment: one line, bounded, ASCII.
[[nodiscard]] std::string comment_text(std::string_view text);

}  // namespace pawl::app
