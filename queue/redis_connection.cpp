#include "queue/redis_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <deque>
#include <exception>
#include <utility>

#include "core/errors.hpp"
#include "core/log.hpp"
#include "queue/redis_codec.hpp"
#include "queue/redis_session.hpp"

namespace pawl::queue {

namespace asio = core::asio;
using core::Millis;
using core::Task;
using core::TransientError;

namespace {

constexpr std::size_t write_bytes_max =
    1u << 20;  // of one write: small calls are not held up by a burst for long
constexpr std::size_t write_calls_max = 512;    // buffers of one write
constexpr std::size_t read_bytes = 128u << 10;  // of one read

}  // namespace

class RedisConnection::Loop : public std::enable_shared_from_this<RedisConnection::Loop> {
  public:
    Loop(asio::any_io_executor executor, RedisOptions options, core::Random& random)
        : executor_(std::move(executor)),
          options_(std::move(options)),
          random_(random),
          demand_(executor_) {}

    Task<std::vector<RedisReply>> call(std::string bytes, std::size_t expected, Millis extra_wait);
    Task<std::vector<RedisReply>> pipeline(std::vector<std::vector<std::string>> commands);
    void close();
    [[nodiscard]] bool is_connected() const { return session_ && !session_->is_broken; }

  private:
    void enqueue(const RedisCallPointer& call);
    void give_up(const RedisCallPointer& call);
    static Task<> run(std::shared_ptr<Loop> self);
    Task<> wait_for_demand();
    Task<> back_off();
    static Task<> write(std::shared_ptr<Loop> self, std::shared_ptr<RedisSession> session);
    Task<> read(std::shared_ptr<RedisSession> session);
    std::vector<RedisCallPointer> next_batch();
    static void accept(RedisSession& session, RedisReply reply);
    void fail_sent(RedisSession& session);
    void fail_unsent(std::exception_ptr why);

    asio::any_io_executor executor_;
    RedisOptions options_;
    core::Random& random_;
    std::deque<RedisCallPointer> unsent_;
    std::size_t unsent_bytes_ = 0;
    std::shared_ptr<RedisSession> session_;
    asio::steady_timer demand_;  ///< cancelled when a call comes or the connection closes
    Millis backoff_{0};
    bool is_running_ = false, is_closed_ = false;
    bool was_connected_ = false;
};

// ---- calls

Task<std::vector<RedisReply>> RedisConnection::Loop::call(std::string bytes, std::size_t expected,
                                                          Millis extra_wait) {
    const auto self = shared_from_this();  // the connection may go while we wait
    const auto call = std::make_shared<RedisCall>(executor_, std::move(bytes), expected);
    enqueue(call);
    call->done_or_timeout.expires_after(options_.command_timeout + extra_wait);
    if (!call->is_done) {
        const auto waited =
            co_await call->done_or_timeout.async_wait(asio::as_tuple(asio::use_awaitable));
        if (!call->is_done) {
            give_up(call);
            const auto code = std::get<0>(waited);
            if (code) throw boost::system::system_error(code);  // the caller was cancelled
            const auto ms = (options_.command_timeout + extra_wait).count();
            const std::string reason = "no reply within " + std::to_string(ms) + " ms";
            if (call->is_sent && session_) session_->fail(reason);
            throw TransientError(options_.address.describe() + ": " + reason, call->is_sent);
        }
    }
    if (call->error) std::rethrow_exception(call->error);
    co_return std::move(call->replies);
}

Task<std::vector<RedisReply>> RedisConnection::Loop::pipeline(
    std::vector<std::vector<std::string>> commands) {
    if (commands.empty()) co_return std::vector<RedisReply>();
    std::string bytes;
    for (const auto& command : commands) bytes += encode_command(command);
    auto replies = co_await call(std::move(bytes), commands.size(), Millis(0));
    co_return replies;
}

void RedisConnection::Loop::enqueue(const RedisCallPointer& call) {
    if (is_closed_) throw TransientError("the connection to Redis is closed");
    const std::size_t waiting = unsent_.size() + (session_ ? session_->sent.size() : 0);
    // A single call beyond the bound may pass when nothing waits: it must be possible at all.
    const bool too_much =
        unsent_bytes_ > 0 && unsent_bytes_ + call->bytes.size() > options_.pending_bytes_max;
    if (waiting >= options_.pending_max || too_much) {
        throw TransientError("too many calls wait for Redis");
    }
    unsent_.push_back(call);
    unsent_bytes_ += call->bytes.size();
    if (!is_running_) {
        is_running_ = true;
        core::spawn(executor_, "redis connection", run(shared_from_this()));
    }
    demand_.cancel();
    if (session_) session_->work.cancel();
}

/// Nobody waits for the call any more. One that was sent keeps its place, so that replies still
/// match.
void RedisConnection::Loop::give_up(const RedisCallPointer& call) {
    call->is_done = true;
    if (call->is_sent) return;
    unsent_bytes_ -= call->bytes.size();
    std::erase(unsent_, call);
}

void RedisConnection::Loop::close() {
    if (is_closed_) return;
    is_closed_ = true;
    if (session_) session_->fail("closed");
    demand_.cancel();
    fail_unsent(std::make_exception_ptr(TransientError("the connection to Redis is closed")));
}

void RedisConnection::Loop::fail_sent(RedisSession& session) {
    const TransientError error(options_.address.describe() + ": " + session.reason, true);
    for (const auto& call : std::exchange(session.sent, {})) {
        call->finish(std::make_exception_ptr(error));
    }
}

void RedisConnection::Loop::fail_unsent(std::exception_ptr why) {
    unsent_bytes_ = 0;
    for (const auto& call : std::exchange(unsent_, {})) call->finish(why);
}

// ---- the life of the connection

Task<> RedisConnection::Loop::run(std::shared_ptr<Loop> self) {
    while (!self->is_closed_) {
        co_await self->wait_for_demand();
        if (self->is_closed_) break;
        const auto session =
            std::make_shared<RedisSession>(self->executor_, self->options_.reply_bytes_max);
        self->session_ = session;
        std::exception_ptr refused;
        try {
            co_await RedisSession::connect(session, self->options_.address, self->options_.connect_timeout);
        } catch (const boost::system::system_error& error) {
            const std::string why =
                session->reason.empty() ? error.code().message() : session->reason;
            refused = std::make_exception_ptr(TransientError(
                "cannot connect to " + self->options_.address.describe() + ": " + why));
        } catch (const std::exception&) {
            refused = std::current_exception();
        }
        if (refused) {
            session->fail("not connected");
            self->session_.reset();
            self->fail_unsent(refused);
            co_await self->back_off();
            continue;
        }
        self->backoff_ = Millis(0);
        if (self->was_connected_) core::log::info("Connected to Redis again", {});
        self->was_connected_ = true;
        core::spawn(self->executor_, "redis writer", write(self, session));
        co_await self->read(session);
        self->session_.reset();
        self->fail_sent(*session);
        if (self->is_closed_) break;
        core::log::warn("Lost the connection to Redis", {{"reason", session->reason}});
        const TransientError lost(self->options_.address.describe() + ": " + session->reason,
                                  false);
        self->fail_unsent(std::make_exception_ptr(lost));
    }
}

Task<> RedisConnection::Loop::wait_for_demand() {
    while (unsent_.empty() && !is_closed_) {
        demand_.expires_at(asio::steady_timer::time_point::max());
        co_await demand_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

/// Calls that come meanwhile wait for the next attempt, as long as their timeout lets them.
Task<> RedisConnection::Loop::back_off() {
    backoff_ = std::min(std::max(backoff_ * 2, options_.backoff_min), options_.backoff_max);
    const auto share = 0.5 + 0.5 * random_.fraction();
    const Millis wait(static_cast<Millis::rep>(static_cast<double>(backoff_.count()) * share));
    asio::steady_timer timer(executor_);
    timer.expires_after(wait);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

// ---- one session

std::vector<RedisCallPointer> RedisConnection::Loop::next_batch() {
    std::vector<RedisCallPointer> batch;
    std::size_t bytes = 0;
    while (!unsent_.empty() && bytes < write_bytes_max && batch.size() < write_calls_max) {
        bytes += unsent_.front()->bytes.size();
        batch.push_back(std::move(unsent_.front()));
        unsent_.pop_front();
    }
    unsent_bytes_ -= bytes;
    return batch;
}

Task<> RedisConnection::Loop::write(std::shared_ptr<Loop> self, std::shared_ptr<RedisSession> session) {
    while (!session->is_broken) {
        const auto batch = self->next_batch();
        if (batch.empty()) {
            session->work.expires_at(asio::steady_timer::time_point::max());
            co_await session->work.async_wait(asio::as_tuple(asio::use_awaitable));
            continue;
        }
        std::vector<asio::const_buffer> buffers;
        for (const auto& call : batch) {
            call->is_sent = true;  // from here on it may take effect
            session->sent.push_back(call);
            buffers.push_back(asio::buffer(call->bytes));
        }
        try {
            co_await session->socket.write(std::move(buffers));
        } catch (const boost::system::system_error& error) {
            session->fail(error.code().message());
        }
        for (const auto& call : batch) call->bytes = std::string();
    }
}

/// Until the session breaks.
Task<> RedisConnection::Loop::read(std::shared_ptr<RedisSession> session) {
    std::string buffer(read_bytes, '\0');
    try {
        while (!session->is_broken) {
            const auto size = co_await session->socket.read_some(asio::buffer(buffer));
            session->decoder.feed(buffer.data(), size);
            while (auto reply = session->decoder.next()) accept(*session, std::move(*reply));
        }
    } catch (const boost::system::system_error& error) {
        session->fail(error.code().message());
    } catch (const TransientError& error) {
        session->fail(error.what());
    }
}

void RedisConnection::Loop::accept(RedisSession& session, RedisReply reply) {
    if (session.sent.empty()) throw TransientError("Redis sent a reply that nobody asked for");
    const auto& call = session.sent.front();
    call->replies.push_back(std::move(reply));
    if (call->replies.size() < call->replies_expected) return;
    call->finish();
    session.sent.pop_front();
}

// ---- the face

RedisConnection::RedisConnection(asio::any_io_executor executor, RedisOptions options,
                                 core::Random& random)
    : loop_(std::make_shared<Loop>(std::move(executor), std::move(options), random)) {}

RedisConnection::~RedisConnection() { loop_->close(); }
void RedisConnection::close() { loop_->close(); }
bool RedisConnection::is_connected() const { return loop_->is_connected(); }

Task<RedisReply> RedisConnection::command(std::vector<std::string> arguments, Millis extra_wait) {
    const auto loop = loop_;
    std::string bytes = encode_command(arguments);
    auto replies = co_await loop->call(std::move(bytes), 1, extra_wait);
    co_return checked(std::move(replies.front()));
}

Task<std::vector<RedisReply>> RedisConnection::pipeline(
    std::vector<std::vector<std::string>> commands) {
    const auto loop = loop_;
    auto replies = co_await loop->pipeline(std::move(commands));
    co_return replies;
}

Task<RedisReply> RedisConnection::run(const RedisScript& script, std::string prefix,
                                      std::vector<std::string> arguments) {
    std::vector<std::vector<std::string>> all;
    all.push_back(std::move(arguments));
    auto replies = co_await run_each(script, std::move(prefix), std::move(all));
    co_return std::move(replies.front());
}

Task<std::vector<RedisReply>> RedisConnection::run_each(
    const RedisScript& script, std::string prefix,
    std::vector<std::vector<std::string>> arguments) {
    const auto loop = loop_;
    const auto command_of = [&](const char* verb, const std::string& text, std::size_t index) {
        std::vector<std::string> command{verb, text, "1", prefix};
        command.insert(command.end(), arguments[index].begin(), arguments[index].end());
        return command;
    };
    std::vector<std::vector<std::string>> commands;
    for (std::size_t i = 0; i < arguments.size(); ++i)
        commands.push_back(command_of("EVALSHA", script.sha1(), i));
    auto replies = co_await loop->pipeline(std::move(commands));
    std::vector<std::size_t> unknown;
    std::vector<std::vector<std::string>> again;
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const auto* error = replies[i].error();
        if (error == nullptr || !error->text.starts_with("NOSCRIPT")) continue;
        unknown.push_back(i);
        again.push_back(command_of("EVAL", script.text(), i));
    }
    auto answers = co_await loop->pipeline(std::move(again));
    for (std::size_t i = 0; i < unknown.size(); ++i) replies[unknown[i]] = std::move(answers[i]);
    for (const auto& reply : replies) {
        if (reply.error() != nullptr) throw_redis_error(reply.error()->text);
    }
    co_return replies;
}

}  // namespace pawl::queue
