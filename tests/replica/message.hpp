#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/replica/faults.hpp"
#include "tests/replica/pagination.hpp"

namespace pawl::replica {

/// What the API looks at in a request.
struct ApiRequest {
    std::string method, target;
    std::string host;  ///< for absolute links
    std::string authorization, accept, if_none_match;
    std::string body;
};
[[nodiscard]] std::string path_of(const ApiRequest& request);
[[nodiscard]] Query query_of(const ApiRequest& request);
[[nodiscard]] std::optional<std::uint64_t> parse_id(const std::string& text);

struct ApiResponse {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::string kind;           ///< what it is counted as: repository, languages, stargazers, …
    Fault fault = Fault::none;  ///< reset and cut are for the server to do
    std::string account;        ///< whose request is in flight until `finish`; "" : nobody's
};
[[nodiscard]] ApiResponse text_response(std::string kind, std::string type, std::string body);
[[nodiscard]] ApiResponse json_response(std::string kind, int status, std::string body);
/// GitHub's error body.
[[nodiscard]] ApiResponse error_response(
    std::string kind, int status, std::string_view message,
    std::string_view documentation = "https://docs.github.com/rest");

}  // namespace pawl::replica
