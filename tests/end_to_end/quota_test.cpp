#include <algorithm>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/crew.hpp"
#include "tests/end_to_end/http_get.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

// Under a sanitizer the process needs a second more to come up, which the first window then lacks.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t first_window = 1;
#else
constexpr std::size_t first_window = 0;
#endif

}  // namespace

TEST_CASE("four owners' windows are used up while work waits, and no request is refused",
          "[end_to_end][quota]") {
    constexpr int limit = 100, full_windows = 4;
    World world(
        {.replica = {"--limit", std::to_string(limit), "--window", "5", "--per-minute", "0"},
         .env = {{"TEST_RATE", std::to_string(limit) + "/5s"}},
         .walks_max = 16});
    auto process = world.start({"backfill", "github"}, "quota");

    // The present window is the last one told.
    const auto windows_seen = [&] {
        const auto report = world.replica().report();
        std::size_t least = report["owners"].size() == 4 ? 1'000 : 0;
        for (const auto& owner : report["owners"]) least = std::min(least, owner["windows"].size());
        return least;
    };
    REQUIRE(eventually(60s, [&] {
        pause_for(200ms);
        return windows_seen() > full_windows || !process->is_running();
    }));
    REQUIRE(process->is_running());  // else there was not work enough, and the windows tell nothing
    const auto report = world.replica().report();
    CHECK(std::stoi(world.sql("select count(*) from pawl.slice where state = 'open'")) > 100);
    process->signal(SIGTERM);
    CHECK(process->wait(35s) == 1);  // stopped before the end
    world.end(process);

    CHECK(report["refused"] == 0);
    CHECK_FALSE(report["status"].contains("403"));
    double idle = 0, told = 0;
    for (const auto& [name, owner] : report["owners"].items()) {
        const auto& windows = owner["windows"];
        REQUIRE(windows.size() > full_windows);
        for (std::size_t i = 0; i + 1 < windows.size(); ++i) {
            INFO(name << ", window " << i << " of " << windows.size() << ": " << windows[i].dump());
            if (i >= first_window) CHECK(windows[i]["used"].get<double>() >= 0.95 * limit);
            CHECK(windows[i]["refused"] == 0);
            // Windows begin with their first request: how late that comes must stay within a second
            // of the reset told, which is itself rounded up to seconds.
            const auto gap =
                windows[i + 1]["start_us"].get<double>() - windows[i]["end_us"].get<double>();
            CHECK(gap < 2.5e6);
            idle += gap;
            ++told;
        }
    }
    std::cout << "quota test: " << told << " full windows, " << idle / told / 1e6
              << " s between two of them, " << report["charged"] << " requests, 0 refused"
              << std::endl;
}
