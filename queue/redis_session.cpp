#include "queue/redis_session.hpp"

#include "core/errors.hpp"

namespace pawl::queue {

namespace asio = core::asio;
using core::Task;

namespace {

/// "evicting" policies drop keys of the queue under memory pressure. Empty when it is fine or
/// cannot be known.
std::string evicting_policy(const RedisReply& info) {
    if (info.error() != nullptr || info.is_nil())
        return {};  // INFO is not allowed: nothing to go by
    static constexpr std::string_view name = "maxmemory_policy:";
    const auto& text = info.text();
    const auto at = text.find(name);
    if (at == std::string::npos) return {};
    const auto start = at + name.size();
    const auto policy = text.substr(start, text.find_first_of("\r\n", start) - start);
    return policy == "noeviction" ? std::string() : policy;
}

}  // namespace

Task<> RedisSession::connect(std::shared_ptr<RedisSession> session, RedisAddress address,
                             core::Millis timeout) {
    co_await session->socket.connect(address, timeout);
    // The handshake has no call behind it whose timeout would end it.
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer deadline(executor);
    deadline.expires_after(timeout);
    deadline.async_wait([session](boost::system::error_code cancelled) {
        if (!cancelled) session->fail("no reply to the handshake");
    });
    co_await session->shake_hands(std::move(address));
    deadline.cancel();
}

Task<RedisReply> RedisSession::ask(std::vector<std::string> command) {
    const std::string bytes = encode_command(command);
    std::vector<asio::const_buffer> buffers{asio::buffer(bytes)};
    co_await socket.write(std::move(buffers));
    std::string buffer(4096, '\0');
    while (true) {
        auto reply = decoder.next();
        if (reply) co_return std::move(*reply);
        const auto size = co_await socket.read_some(asio::buffer(buffer));
        decoder.feed(buffer.data(), size);
    }
}

Task<> RedisSession::shake_hands(RedisAddress address) {
    std::vector<std::vector<std::string>> commands;
    if (!address.password.empty()) {
        commands.push_back(address.user.empty()
                               ? std::vector<std::string>{"AUTH", address.password}
                               : std::vector<std::string>{"AUTH", address.user, address.password});
    }
    if (address.database != 0) commands.push_back({"SELECT", std::to_string(address.database)});
    for (auto& command : commands) {
        const auto reply = co_await ask(std::move(command));
        if (reply.error() != nullptr) throw_redis_error(reply.error()->text);
    }
    std::vector<std::string> info_command{"INFO", "memory"};
    const auto info = co_await ask(std::move(info_command));
    if (info.error() != nullptr && info.error()->text.starts_with("NOAUTH")) {
        throw_redis_error(info.error()->text);
    }
    const std::string policy = evicting_policy(info);
    if (!policy.empty()) {
        throw core::ConfigError(address.describe() + " has maxmemory-policy " + policy +
                                ": it would drop queued pages. Set it to noeviction");
    }
}

}  // namespace pawl::queue
