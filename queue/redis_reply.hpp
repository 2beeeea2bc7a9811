#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace pawl::queue {

/// One reply of Redis as a value. The accessors throw core::TransientError when the reply has
/// another form than the command has by its documentation: then whoever answers there is not the
/// server we think, or not well.
struct RedisReply {
    struct Nil {};
    struct Error {
        std::string text;  ///< "NOSCRIPT No matching script."
    };
    using Array = std::vector<RedisReply>;

    std::variant<Nil, std::int64_t, std::string, Array, Error> value;

    [[nodiscard]] bool is_nil() const { return std::holds_alternative<Nil>(value); }
    [[nodiscard]] const Error* error() const { return std::get_if<Error>(&value); }
    [[nodiscard]] std::int64_t integer() const;  ///< an integer, or a string that is one
    [[nodiscard]] const std::string& text() const;
    [[nodiscard]] std::string take_text();
    [[nodiscard]] const Array& array() const;
    [[nodiscard]] Array take_array();
    /// The nth element of an array.
    [[nodiscard]] const RedisReply& at(std::size_t index) const;
};

/// Throws what an error reply means: ConfigError where a person must act (rights, credentials,
/// wrong type of key, a server too old), else TransientError: loading, read-only, out of memory,
/// busy, a failover.
[[noreturn]] void throw_redis_error(const std::string& text);

/// Throws as above when `reply` is an error, else returns it.
[[nodiscard]] RedisReply checked(RedisReply reply);

}  // namespace pawl::queue
