#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/redis_reply.hpp"

struct redisReader;

namespace pawl::queue {

/// A command in RESP2, binary-safe: what goes over the wire.
[[nodiscard]] std::string encode_command(const std::vector<std::string>& arguments);

/// Makes replies of the bytes of a connection. hiredis does the parsing; nothing else of it is
/// used.
class RedisDecoder {
  public:
    /// `reply_bytes_max`: a reply that is larger than this is refused before it is complete.
    explicit RedisDecoder(std::size_t reply_bytes_max);
    ~RedisDecoder();
    RedisDecoder(const RedisDecoder&) = delete;
    RedisDecoder& operator=(const RedisDecoder&) = delete;

    /// Throws core::TransientError when a reply grows beyond its bound.
    void feed(const char* data, std::size_t size);
    /// The next complete reply. Throws core::TransientError when the bytes are no RESP.
    [[nodiscard]] std::optional<RedisReply> next();

  private:
    redisReader* reader_;
    std::size_t reply_bytes_max_;
    std::size_t unfinished_bytes_ = 0;  ///< fed since a reply was last completed
};

}  // namespace pawl::queue
