#include "queue/redis_reply.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "core/errors.hpp"

namespace pawl::queue {
namespace {

[[noreturn]] void unexpected(std::string_view wanted) {
    throw core::TransientError("Redis sent an unexpected reply, not " + std::string(wanted));
}

template <typename T>
const T& get(const RedisReply& reply, std::string_view wanted) {
    if (const auto* value = std::get_if<T>(&reply.value)) return *value;
    unexpected(wanted);
}

}  // namespace

std::int64_t RedisReply::integer() const {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    const auto& digits = get<std::string>(*this, "an integer");
    std::int64_t number = 0;
    const auto* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) unexpected("an integer");
    return number;
}

const std::string& RedisReply::text() const { return get<std::string>(*this, "a string"); }

std::string RedisReply::take_text() {
    if (auto* held = std::get_if<std::string>(&value)) return std::move(*held);
    unexpected("a string");
}

const RedisReply::Array& RedisReply::array() const { return get<Array>(*this, "an array"); }

RedisReply::Array RedisReply::take_array() {
    if (auto* held = std::get_if<Array>(&value)) return std::move(*held);
    unexpected("an array");
}

const RedisReply& RedisReply::at(std::size_t index) const {
    const auto& elements = array();
    if (index >= elements.size()) unexpected("an array this short");
    return elements[index];
}

void throw_redis_error(const std::string& text) {
    // What no amount of waiting cures. Everything else is worth another try: LOADING, READONLY,
    // MISCONF, OOM, BUSY, NOREPLICAS, UNBLOCKED, CLUSTERDOWN, MASTERDOWN, TRYAGAIN, "ERR max number
    // of clients reached" …
    static constexpr std::array<std::string_view, 5> refused{"NOAUTH", "NOPERM", "WRONGPASS",
                                                             "ERR invalid password", "ERR AUTH"};
    static constexpr std::array<std::string_view, 3> for_people{"WRONGTYPE", "ERR unknown command",
                                                                "ERR DB index"};
    const auto is_prefix = [&](std::string_view prefix) { return text.starts_with(prefix); };
    if (std::ranges::any_of(refused, is_prefix)) throw core::RefusedError("Redis refuses: " + text);
    if (std::ranges::any_of(for_people, is_prefix))
        throw core::ConfigError("Redis refuses: " + text);
    throw core::TransientError("Redis refuses: " + text);
}

RedisReply checked(RedisReply reply) {
    if (const auto* error = reply.error()) throw_redis_error(error->text);
    return reply;
}

}  // namespace pawl::queue
