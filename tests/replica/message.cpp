#include "tests/replica/message.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace pawl::replica {

std::string path_of(const ApiRequest& request) {
    return request.target.substr(0, request.target.find('?'));
}

Query query_of(const ApiRequest& request) {
    auto mark = request.target.find('?');
    if (mark == std::string::npos) return {};
    return parse_query(std::string_view(request.target).substr(mark + 1));
}

std::optional<std::uint64_t> parse_id(const std::string& text) {
    std::uint64_t id = 0;
    auto end = text.data() + text.size();
    if (text.empty() || std::from_chars(text.data(), end, id).ptr != end) return std::nullopt;
    return id;
}

ApiResponse text_response(std::string kind, std::string type, std::string body) {
    ApiResponse response;
    response.kind = std::move(kind);
    response.headers.emplace_back("Content-Type", std::move(type));
    response.body = std::move(body);
    return response;
}

ApiResponse json_response(std::string kind, int status, std::string body) {
    auto response =
        text_response(std::move(kind), "application/json; charset=utf-8", std::move(body));
    response.status = status;
    return response;
}

ApiResponse error_response(std::string kind, int status, std::string_view message,
                           std::string_view documentation) {
    nlohmann::ordered_json body{{"message", message},
                                {"documentation_url", documentation},
                                {"status", std::to_string(status)}};
    return json_response(std::move(kind), status, body.dump());
}

}  // namespace pawl::replica
