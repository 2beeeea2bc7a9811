#include "queue/redis_codec.hpp"

#include <hiredis/hiredis.h>

#include <new>

#include "core/errors.hpp"

namespace pawl::queue {
namespace {

void append_bulk(std::string& out, const std::string& text) {
    out += '$';
    out += std::to_string(text.size());
    out += "\r\n";
    out += text;
    out += "\r\n";
}

RedisReply convert(const redisReply& reply) {
    switch (reply.type) {
        case REDIS_REPLY_NIL:
            return {RedisReply::Nil{}};
        case REDIS_REPLY_INTEGER:
            return {static_cast<std::int64_t>(reply.integer)};
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
            return {std::string(reply.str, reply.len)};
        case REDIS_REPLY_ERROR:
            return {RedisReply::Error{std::string(reply.str, reply.len)}};
        case REDIS_REPLY_ARRAY: {
            RedisReply::Array elements;
            elements.reserve(reply.elements);
            for (std::size_t i = 0; i < reply.elements; ++i)
                elements.push_back(convert(*reply.element[i]));
            return {std::move(elements)};
        }
        default:
            throw core::TransientError("Redis sent a reply of a type that RESP2 does not have");
    }
}

}  // namespace

std::string encode_command(const std::vector<std::string>& arguments) {
    std::size_t size = 16;
    for (const auto& argument : arguments) size += argument.size() + 16;
    std::string out;
    out.reserve(size);
    out += '*';
    out += std::to_string(arguments.size());
    out += "\r\n";
    for (const auto& argument : arguments) append_bulk(out, argument);
    return out;
}

RedisDecoder::RedisDecoder(std::size_t reply_bytes_max)
    : reader_(redisReaderCreate()), reply_bytes_max_(reply_bytes_max) {
    if (reader_ == nullptr) throw std::bad_alloc();
}

RedisDecoder::~RedisDecoder() { redisReaderFree(reader_); }

void RedisDecoder::feed(const char* data, std::size_t size) {
    unfinished_bytes_ += size;
    if (unfinished_bytes_ > reply_bytes_max_) {
        throw core::TransientError("a reply of Redis is larger than " +
                                   std::to_string(reply_bytes_max_) + " bytes");
    }
    if (redisReaderFeed(reader_, data, size) != REDIS_OK) throw std::bad_alloc();
}

std::optional<RedisReply> RedisDecoder::next() {
    void* raw = nullptr;
    if (redisReaderGetReply(reader_, &raw) != REDIS_OK) {
        throw core::TransientError(std::string("what Redis sent is no RESP: ") + reader_->errstr);
    }
    if (raw == nullptr) return std::nullopt;
    unfinished_bytes_ = 0;
    const std::unique_ptr<void, decltype(&freeReplyObject)> owner(raw, &freeReplyObject);
    return convert(*static_cast<redisReply*>(raw));
}

}  // namespace pawl::queue
