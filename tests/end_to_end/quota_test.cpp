// The enforcing side is the replica: four owners, a window each, and four pawl processes that share one ledger in Redis.
// Reduced for tests/run; PAWL_TEST_FULL=1 takes the full figures (tests/full).
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/end_to_end/crew.hpp"
#include "tests/end_to_end/http_client.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

struct WindowSize {
    int limit, seconds;
};
WindowSize window_size() {
    return std::getenv("PAWL_TEST_FULL") != nullptr ? WindowSize{500, 60} : WindowSize{100, 10};
}
const std::size_t full_windows = std::getenv("PAWL_TEST_FULL") != nullptr ? 3 : 2;
constexpr std::size_t process_count = 4;
const std::vector<std::string> owner_names{"alice", "bob", "carol", "dave"};

/// Four processes that collect through four owners' windows, with more work than the windows allow.
class Shift {
  public:
    explicit Shift(WindowSize size)
        : size_(size),
          world_({.replica = {"--limit", std::to_string(size.limit), "--window", std::to_string(size.seconds),
                              "--per-minute", "0"},
                  .env = {{"TEST_RATE", fmt::format("{}/{}s", size.limit, size.seconds)},
                          {"TEST_STARGAZER_PAGES", "400"}},
                  .walks_max = 16}) {
        for (std::size_t i = 0; i < process_count; ++i) start(i);
    }

    World& world() { return world_; }
    [[nodiscard]] WindowSize size() const { return size_; }
    void kill(std::size_t index) {
        world_.end(processes_.at(index));
        start(index);
    }
    /// Calls `meanwhile` again and again until every owner's window number full_windows is over.
    template <typename Meanwhile>
    void watch(Meanwhile meanwhile) {
        const auto patience = std::chrono::seconds((size_.seconds + 10) * (full_windows + 2));
        REQUIRE(eventually(patience, [&] {
            meanwhile();
            return windows_begun() > full_windows;
        }));
        for (const auto& process : processes_) REQUIRE(process->is_running());  // else work was over
        CHECK(std::stoi(world_.sql("select count(*) from pawl.slice where state = 'open'")) > 100);
        report_ = world_.replica().report();
        for (auto& process : processes_) process->signal(SIGTERM);
        for (auto& process : processes_) {
            CHECK(process->wait(35s) == 1);  // stopped before the end
            world_.end(process);
        }
    }

    [[nodiscard]] const nlohmann::json& report() const { return report_; }
    /// The full windows of an owner: all but the one that is open.
    [[nodiscard]] std::vector<nlohmann::json> windows(const std::string& owner) const {
        const auto& all = report_["owners"][owner]["windows"];
        return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(full_windows)};
    }
    /// The least share of a full window that was used.
    [[nodiscard]] double least_used() const {
        double least = 1;
        for (const auto& owner : owner_names)
            for (const auto& window : windows(owner)) least = std::min(least, window["utilisation"].get<double>());
        return least;
    }
    /// Of all requests in full windows, by how much of their mean the owners differ.
    [[nodiscard]] double spread() const {
        std::vector<double> used;
        for (const auto& owner : owner_names) {
            used.push_back(0);
            for (const auto& window : windows(owner)) used.back() += window["used"].get<double>();
        }
        const auto [least, most] = std::minmax_element(used.begin(), used.end());
        return (*most - *least) * double(used.size()) / std::accumulate(used.begin(), used.end(), 0.0);
    }
    void tell(const std::string& what) const {
        std::cout << "quota test, " << what << ": " << owner_names.size() << " owners, " << size_.limit
                  << " requests in " << size_.seconds << " s, " << full_windows << " windows; " << report_["charged"]
                  << " requests, " << report_["refused"] << " refused, at least " << least_used()
                  << " of a window used, owners within " << spread() << std::endl;
    }

  private:
    void start(std::size_t index) {
        processes_.resize(process_count);
        processes_[index] = world_.start({"backfill", "github"}, "quota" + std::to_string(index));
    }
    [[nodiscard]] std::size_t windows_begun() const {
        const auto report = world_.replica().report();
        std::size_t least = 1'000;
        for (const auto& owner : owner_names)
            least = std::min(least, report["owners"].contains(owner) ? report["owners"][owner]["windows"].size() : 0);
        return least;
    }

    WindowSize size_;
    World world_;
    std::vector<std::unique_ptr<ChildProcess>> processes_;
    nlohmann::json report_;
};

/// Somebody else with a key of the same account: spends its share of every window, and leaves it alone once it was refused.
class Stranger {
  public:
    Stranger(Replica& replica, int share) : replica_(replica), share_(share) {}

    void ask() {
        if (now_us() < resume_us_) return;
        const auto reply = http_get(replica_.url() + "/repos/torvalds/linux", {{"Authorization", "Bearer key-alice"}});
        const auto windows = replica_.report()["owners"]["alice"]["windows"];
        const auto& window = windows.back();
        if (windows.size() != window_) spent_ = 0;
        window_ = windows.size();
        if (reply.status == 200) ++spent_, ++spent;
        else ++refusals;
        if (spent_ >= share_ || reply.status != 200) resume_us_ = window["end_us"].get<std::int64_t>() + 200'000;
    }

    int spent = 0, refusals = 0;

  private:
    Replica& replica_;
    int share_, spent_ = 0;
    std::size_t window_ = 0;
    std::int64_t resume_us_ = 0;
};

}  // namespace

TEST_CASE("four owners' windows are used up by four processes, and no request is refused", "[end_to_end][pace][quota]") {
    Shift shift(window_size());
    shift.watch([] { pause_for(200ms); });
    shift.tell("undisturbed");
    CHECK(shift.report()["refused"] == 0);
    CHECK(shift.least_used() >= 0.99);
    CHECK(shift.spread() <= 0.02);
    // Windows begin with their first request: that comes within a second of the reset told, which is itself rounded up.
    for (const auto& owner : owner_names) {
        const auto windows = shift.windows(owner);
        for (std::size_t i = 0; i + 1 < windows.size(); ++i)
            CHECK(windows[i + 1]["start_us"].get<double>() - windows[i]["end_us"].get<double>() < 2.5e6);
    }
}

TEST_CASE("a process that is killed every five seconds costs little quota and breaks no limit", "[end_to_end][pace][quota][kill]") {
    Shift shift(window_size());
    auto next_kill = now_us() + 5'000'000;
    std::size_t kills = 0;
    shift.watch([&] {
        pause_for(100ms);
        if (now_us() < next_kill) return;
        next_kill = now_us() + 5'000'000;
        shift.kill(kills++ % process_count);
    });
    shift.tell(std::to_string(kills) + " kills");
    CHECK(kills >= 2 * full_windows);
    CHECK(shift.report()["refused"] == 0);
    CHECK(shift.least_used() >= 0.97);
}

TEST_CASE("another client of an account is made way for", "[end_to_end][pace][quota]") {
    Shift shift(window_size());
    Stranger stranger(shift.world().replica(), shift.size().limit / 5);
    shift.watch([&] {
        pause_for(20ms);
        stranger.ask();
    });
    shift.tell(fmt::format("another client with {} requests, {} of them refused", stranger.spent, stranger.refusals));
    CHECK(stranger.spent >= static_cast<int>(full_windows) * (shift.size().limit / 5 - 1));
    for (const auto& window : shift.windows("alice")) CHECK(window["refused"] <= 1);
    for (const auto& owner : {"bob", "carol", "dave"}) CHECK(shift.report()["owners"][owner]["refused"] == 0);
    CHECK(shift.least_used() >= 0.98);
}
