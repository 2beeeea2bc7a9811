// What every adapter of core/clock.hpp does: the system's clocks, and those of a process in the simulation.
#include "tests/simulation/timeline.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

namespace pawl::simulation {

namespace {

using namespace std::chrono_literals;
using core::Micros;

class SystemTime {
  public:
    core::Clock& clock() { return clock_; }
    boost::asio::io_context& loop() { return loop_; }
    void until(const bool& done) {
        test::run_until(loop_, 1min, [&] { return done; });
    }

  private:
    boost::asio::io_context loop_;
    core::SystemClock clock_;
};

class VirtualTime {
  public:
    core::Clock& clock() { return clock_; }
    boost::asio::io_context& loop() { return loop_; }
    void until(const bool& done) {
        while (!done) {
            loop_.restart();
            loop_.poll();
            if (done) return;
            const auto next = timeline_.next_us();
            REQUIRE(next);
            timeline_.advance_to(*next);
        }
    }

  private:
    boost::asio::io_context loop_;
    Timeline timeline_;
    ProcessClock clock_{timeline_};
};

void must_end_well(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

core::Task<> sleep_and_note(core::Clock& clock, Micros time, std::string name, std::string& order, bool& done, std::size_t all) {
    const auto from = clock.steady();
    co_await clock.sleep(time);
    CHECK(clock.steady() - from >= time);
    order += name;
    done = order.size() == all;
}

}  // namespace

TEMPLATE_TEST_CASE("sleepers wake in the order of their times, none before its time", "[clock_contract]", SystemTime, VirtualTime) {
    TestType time;
    std::string order;
    bool done = false;
    const auto spawn = [&](Micros how_long, std::string name) {
        boost::asio::co_spawn(time.loop(), sleep_and_note(time.clock(), how_long, std::move(name), order, done, 4), must_end_well);
    };
    spawn(30ms, "c");
    spawn(10ms, "b");
    spawn(Micros(-5), "a");
    spawn(60ms, "d");
    time.until(done);
    CHECK(order == "abcd");
}

TEMPLATE_TEST_CASE("clocks go forward together", "[clock_contract]", SystemTime, VirtualTime) {
    TestType time;
    const auto wall = time.clock().now();
    const auto steady = time.clock().steady();
    std::string order;
    bool done = false;
    boost::asio::co_spawn(time.loop(), sleep_and_note(time.clock(), 40ms, "x", order, done, 1), must_end_well);
    time.until(done);
    const auto passed = std::chrono::duration_cast<Micros>(time.clock().steady() - steady);
    CHECK(passed >= 40ms);
    CHECK(time.clock().now() - wall >= 39ms);
    CHECK(wall > core::WallTime(std::chrono::seconds(1'600'000'000)));
}

}  // namespace pawl::simulation
