#include "collector/fair_queue.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <optional>
#include <vector>

#include "collector/turnstile.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using core::SliceClass;

namespace {

/// What each waiting stream gets of `turns` turns, everyone coming back at once.
std::map<std::string, int> shares(FairQueue<std::string>& queue, const std::map<std::string, SliceClass>& streams, int turns) {
    std::map<std::string, int> got;
    for (int i = 0; i < turns; ++i) {
        const auto next = queue.pop();
        if (!next) break;
        ++got[*next];
        queue.push(streams.at(*next), *next, *next);
    }
    return got;
}

}  // namespace

TEST_CASE("classes share by weight, and none is starved", "[collector][fair_queue]") {
    FairQueue<std::string> queue;
    const std::map<std::string, SliceClass> streams{
        {"live", SliceClass::live}, {"asked", SliceClass::on_demand}, {"old", SliceClass::backfill}};
    for (const auto& [stream, slice_class] : streams) queue.push(slice_class, stream, stream);
    auto got = shares(queue, streams, 2'100);
    CHECK(std::abs(got["live"] - 1'600) <= 2);
    CHECK(std::abs(got["asked"] - 400) <= 2);
    CHECK(std::abs(got["old"] - 100) <= 2);
    queue.set_weights({{SliceClass::live, 1}, {SliceClass::on_demand, 1}, {SliceClass::backfill, 2}});
    got = shares(queue, streams, 400);
    CHECK(std::abs(got["old"] - 200) <= 20);  // old debts are settled first
}

TEST_CASE("streams of a class share equally, however many walks each has", "[collector][fair_queue]") {
    FairQueue<int> queue;
    for (int i = 0; i < 60; ++i) queue.push(SliceClass::live, "many", 1);
    for (int i = 0; i < 6; ++i) queue.push(SliceClass::live, "few", 2);
    int few = 0;
    for (int i = 0; i < 12; ++i) few += *queue.pop() == 2 ? 1 : 0;
    CHECK(few == 6);
    CHECK(queue.size() == 54);
}

TEST_CASE("a stream of one walk does not overtake by coming back each time", "[collector][fair_queue]") {
    FairQueue<int> queue;
    for (int i = 0; i < 50; ++i) queue.push(SliceClass::live, "many", 1);
    queue.push(SliceClass::live, "lone", 2);
    int lone = 0;
    for (int i = 0; i < 40; ++i)
        if (*queue.pop() == 2) {
            ++lone;
            queue.push(SliceClass::live, "lone", 2);
        }
    CHECK(lone >= 19);
    CHECK(lone <= 21);
}

TEST_CASE("who rested gets no arrears, and who left no turn", "[collector][fair_queue]") {
    FairQueue<int> queue;
    for (int i = 0; i < 100; ++i) queue.push(SliceClass::backfill, "a", 1);
    for (int i = 0; i < 50; ++i) (void)queue.pop();
    for (int i = 0; i < 100; ++i) queue.push(SliceClass::live, "b", 2);
    int live = 0;
    for (int i = 0; i < 34; ++i) live += *queue.pop() == 2 ? 1 : 0;
    CHECK(live >= 31);
    CHECK(live <= 33);
    queue.erase(2);
    CHECK(queue.size() == 100 - 50 - static_cast<std::size_t>(34 - live));
    CHECK(queue.pop() == 1);
    queue.erase(1);
    CHECK_FALSE(queue.pop());
}

TEST_CASE("a turnstile lets few ask at a time, and passes turns on", "[collector][fair_queue]") {
    boost::asio::io_context io;
    Turnstile turnstile;
    std::vector<std::string> order;
    std::vector<Turnstile::Turn> held;
    const auto walk = [&](SliceClass slice_class, std::string stream) -> core::Task<> {
        auto turn = co_await turnstile.enter("core", slice_class, stream);
        order.push_back(stream);
        held.push_back(std::move(turn));
    };
    const auto start = [&](SliceClass slice_class, const std::string& stream) {
        boost::asio::co_spawn(io, walk(slice_class, stream), boost::asio::detached);
        io.restart();
        io.poll();
    };
    for (std::size_t i = 0; i < Turnstile::askers_max; ++i) start(SliceClass::backfill, "old");
    CHECK(order.size() == Turnstile::askers_max);
    start(SliceClass::backfill, "older");
    start(SliceClass::live, "fresh");
    CHECK(order.size() == Turnstile::askers_max);
    CHECK(turnstile.waiting() == 2);
    start(SliceClass::backfill, "other limits are asked for by others");
    order.clear();
    held.erase(held.begin());
    io.restart();
    io.poll();
    CHECK(order == std::vector<std::string>{"fresh"});
    held.clear();
    io.restart();
    io.poll();
    CHECK(order.size() == 3);
    CHECK(turnstile.waiting() == 0);
}

TEST_CASE("one whose wait is over lets others go first", "[collector][fair_queue]") {
    boost::asio::io_context io;
    Turnstile turnstile;
    std::vector<std::string> order;
    const auto walk = [&](SliceClass slice_class, std::string stream, int rounds) -> core::Task<> {
        auto turn = co_await turnstile.enter("core", slice_class, stream);
        for (int i = 0; i < rounds; ++i) {
            order.push_back(stream);
            co_await boost::asio::post(io, boost::asio::use_awaitable);
            turn = co_await turnstile.enter_again(std::move(turn), slice_class, stream);
        }
    };
    for (std::size_t i = 0; i < Turnstile::askers_max; ++i)
        boost::asio::co_spawn(io, walk(SliceClass::backfill, "old", 50), boost::asio::detached);
    boost::asio::co_spawn(io, walk(SliceClass::live, "fresh", 3), boost::asio::detached);
    io.run();
    CHECK(order.size() == 4 * 50 + 3);
    const auto first = std::find(order.begin(), order.end(), "fresh") - order.begin();
    CHECK(first < static_cast<std::ptrdiff_t>(2 * Turnstile::askers_max));  // before their second round is over
}
