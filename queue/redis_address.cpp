#include "queue/redis_address.hpp"

#include <charconv>
#include <string_view>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"

namespace pawl::queue {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw core::ConfigError(
        "redis.url: " + why +
        " (redis://[user:password@]host:port[/database], rediss://… or unix:///path)");
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int byte = core::hex_number(text, i + 1, 2);
        if (byte < 0) refuse("a % in the credentials is not followed by two hexadecimal digits");
        out += static_cast<char>(byte);
        i += 2;
    }
    return out;
}

int number(std::string_view text, int max, const std::string& what) {
    int value = -1;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0 ||
        value > max) {
        refuse(what + " is no number from 0 to " + std::to_string(max));
    }
    return value;
}

void read_credentials(std::string_view text, RedisAddress& address) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) refuse("there is no password behind the user");
    address.user = percent_decoded(text.substr(0, colon));
    address.password = percent_decoded(text.substr(colon + 1));
    core::remember_secret(address.password);
}

void read_host_and_port(std::string_view text, RedisAddress& address) {
    const auto bracket = text.rfind(']');  // [::1]:6379
    const auto colon = text.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    auto host = has_port ? text.substr(0, colon) : text;
    if (has_port) address.port = std::to_string(number(text.substr(colon + 1), 65535, "the port"));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!host.empty()) address.host = host;
}

void read_network(std::string_view rest, RedisAddress& address) {
    const auto at = rest.rfind('@');
    if (at != std::string_view::npos) {
        read_credentials(rest.substr(0, at), address);
        rest.remove_prefix(at + 1);
    }
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos && slash + 1 < rest.size()) {
        address.database = number(rest.substr(slash + 1), 1'000'000, "the database");
    }
    read_host_and_port(rest.substr(0, slash), address);
}

void read_socket(std::string_view rest, RedisAddress& address) {
    const auto question = rest.find('?');
    address.socket = rest.substr(0, question);
    if (!address.socket.starts_with('/')) refuse("the path of the unix socket must start with /");
    if (question == std::string_view::npos) return;
    const auto query = rest.substr(question + 1);
    if (!query.starts_with("db=")) refuse("behind ? only db=n is known");
    address.database = number(query.substr(3), 1'000'000, "the database");
}

}  // namespace

std::string RedisAddress::describe() const {
    return "Redis at " + (socket.empty() ? host + ":" + port : socket);
}

RedisAddress parse_redis_url(const std::string& url) {
    const std::string_view text = url;
    RedisAddress address;
    if (text.starts_with("redis://")) {
        read_network(text.substr(8), address);
    } else if (text.starts_with("rediss://")) {
        address.tls = true;
        read_network(text.substr(9), address);
    } else if (text.starts_with("unix://")) {
        read_socket(text.substr(7), address);
    } else {
        refuse("it starts with none of redis://, rediss://, unix://");
    }
    return address;
}

}  // namespace pawl::queue
