#include "queue/source_keys.hpp"

#include <utility>
#include <vector>

#include "queue/redis_frontiers.hpp"

namespace pawl::queue {

namespace {

constexpr const char* keys_per_scan = "1000";
constexpr const char* budget_seconds = "2764800";  // 32 days: caps are per month at most

/// `text` for MATCH: its characters mean themselves.
std::string glob(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\' || c == '^') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

}  // namespace

SourceKeys::SourceKeys(std::shared_ptr<RedisConnection> connection, std::string source)
    : connection_(std::move(connection)), prefix_(key_prefix(source)) {}

core::Task<std::int64_t> SourceKeys::live_workers() {
    std::vector<std::string> time{"TIME"};
    const auto now = co_await connection_->command(std::move(time));
    const std::string now_ms = std::to_string(std::stoll(now.at(0).text()) * 1'000);
    std::vector<std::string> count{"ZCOUNT", prefix_ + "workers", "(" + now_ms, "+inf"};
    const auto reply = co_await connection_->command(std::move(count));
    co_return reply.integer();
}

core::Task<std::int64_t> SourceKeys::remove() {
    std::int64_t removed = 0;
    std::string cursor = "0";
    do {
        std::vector<std::string> scan{"SCAN", cursor, "MATCH", glob(prefix_) + "*", "COUNT", keys_per_scan};
        const auto reply = co_await connection_->command(std::move(scan));
        cursor = reply.at(0).text();
        std::vector<std::vector<std::string>> commands;
        for (const auto& found : reply.at(1).array()) {
            const std::string& key = found.text();
            if (key.starts_with(prefix_ + "budget:"))
                commands.push_back({"EXPIRE", key, budget_seconds});
            else
                commands.push_back({"UNLINK", key});
        }
        for (const auto& command : commands) removed += command.front() == "UNLINK" ? 1 : 0;
        if (!commands.empty()) (void)co_await connection_->pipeline(std::move(commands));
    } while (cursor != "0");
    co_return removed;
}

}  // namespace pawl::queue
