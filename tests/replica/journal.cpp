#include "tests/replica/journal.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace pawl::replica {
namespace {

constexpr std::size_t entries_max = 200'000, answer_max = 10'000;
constexpr std::size_t windows_told = 200;

nlohmann::ordered_json describe(const RateLimits::Window& window, std::int64_t limit) {
    return {{"start_us", window.start},
            {"end_us", window.end},
            {"used", window.used},
            {"refused", window.refused},
            {"utilisation",
             limit > 0 ? static_cast<double>(window.used) / static_cast<double>(limit) : 0.0}};
}

nlohmann::ordered_json describe(const RateLimits::Account& account) {
    auto windows = nlohmann::ordered_json::array();
    auto first = account.past.size() > windows_told ? account.past.size() - windows_told : 0;
    for (auto i = first; i < account.past.size(); ++i)
        windows.push_back(describe(account.past[i], account.limit));
    if (account.window.end != 0) windows.push_back(describe(account.window, account.limit));
    return {{"requests", account.requests},
            {"charged", account.charged},
            {"free", account.free},
            {"refused", account.exhausted + account.too_many_at_once + account.too_many_a_minute},
            {"limit", account.limit},
            {"window_used_max", account.used_max},
            {"in_flight_max", account.in_flight_max},
            {"windows", std::move(windows)}};
}

}  // namespace

std::string to_line(const JournalEntry& entry) {
    return std::to_string(entry.time) + ' ' + entry.owner + ' ' + entry.method + ' ' +
           entry.target + ' ' + std::to_string(entry.status) + ' ' + std::to_string(entry.cost) +
           ' ' + std::string(to_string(entry.fault));
}

Journal::Journal(const std::string& file) {
    if (file.empty()) return;
    file_.open(file, std::ios::app);
    if (!file_) throw std::runtime_error("cannot write " + file);
}

void Journal::record(JournalEntry entry) {
    ++count_;
    ++statuses_[std::to_string(entry.status)];
    ++kinds_[entry.kind];
    if (entry.fault != Fault::none) ++faults_[std::string(to_string(entry.fault))];
    if (file_.is_open()) file_ << to_line(entry) << std::endl;
    if (entries_.size() == entries_max) entries_.pop_front();
    entries_.push_back(std::move(entry));
}

void Journal::reset() {
    entries_.clear();
    count_ = 0;
    statuses_.clear();
    kinds_.clear();
    faults_.clear();
}

std::string Journal::report(const RateLimits& limits) const {
    auto owners = nlohmann::ordered_json::object();
    std::int64_t exhausted = 0, at_once = 0, a_minute = 0, free = 0, charged = 0, used_max = 0;
    for (const auto& [owner, account] : limits.accounts()) {
        owners[owner] = describe(account);
        exhausted += account.exhausted;
        at_once += account.too_many_at_once;
        a_minute += account.too_many_a_minute;
        free += account.free;
        charged += account.charged;
        used_max = std::max(used_max, account.used_max);
    }
    nlohmann::ordered_json json{{"requests", count_},
                                {"status", statuses_},
                                {"kinds", kinds_},
                                {"charged", charged},
                                {"free", free},
                                {"refused", exhausted + at_once + a_minute},
                                {"violations",
                                 {{"exhausted", exhausted},
                                  {"too_many_at_once", at_once},
                                  {"too_many_a_minute", a_minute}}},
                                {"faults", faults_},
                                {"window_us", limits.options().window},
                                {"window_used_max", used_max},
                                {"owners", std::move(owners)}};
    return json.dump(1) + "\n";
}

std::string Journal::entries_after(std::uint64_t after) const {
    auto first = count_ - entries_.size();  // number of the entry before the oldest one kept
    auto entries = nlohmann::ordered_json::array();
    auto next = std::max(after, first);
    auto missing = next - after;
    for (; next < count_ && entries.size() < answer_max; ++next) {
        const auto& entry = entries_[next - first];
        entries.push_back({{"time_us", entry.time},
                           {"owner", entry.owner},
                           {"method", entry.method},
                           {"target", entry.target},
                           {"kind", entry.kind},
                           {"status", entry.status},
                           {"cost", entry.cost},
                           {"fault", to_string(entry.fault)}});
    }
    return nlohmann::ordered_json{
               {"next", next}, {"missing", missing}, {"entries", std::move(entries)}}
               .dump() +
           "\n";
}

}  // namespace pawl::replica
