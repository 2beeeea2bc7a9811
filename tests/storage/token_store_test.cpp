// One contract: the fake and Postgres pass the same cases.
#include "core/clock.hpp"
#include "core/random.hpp"
#include "storage/pg_token_store.hpp"
#include "tests/fakes/memory_token_store.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/private_postgres.hpp"

using namespace pawl;
using namespace std::chrono_literals;
using storage::KeptToken;
using storage::TokenLease;
using storage::TokenSlot;
using storage::TokenStore;

namespace {

struct MemoryBench {
    core::SystemClock clock;
    test::MemoryTokenStore store{clock};
    boost::asio::io_context io;

    template <typename T>
    T run(core::Task<T> task) {
        return test::run_task(io, std::move(task));
    }
};

struct PostgresBench {
    test::Database database;
    storage::PgTokenStore store{database.pool()};

    template <typename T>
    T run(core::Task<T> task) {
        return database.run(std::move(task));
    }
};

core::Nonce nonce(std::uint8_t which) {
    core::Nonce made;
    made.bytes[0] = which;
    return made;
}

const TokenSlot slot{"api", "default", "k1"};

}  // namespace

TEMPLATE_TEST_CASE("one process at a time renews a token", "[storage][token_store]", MemoryBench,
                   PostgresBench) {
    TestType bench;
    TokenStore& store = bench.store;
    const TokenLease first = bench.run(store.take(slot, nonce(1), 60s));
    CHECK(first.granted);
    CHECK(first.version == 0);
    CHECK_FALSE(first.kept);
    CHECK_FALSE(bench.run(store.take(slot, nonce(2), 60s)).granted);
    CHECK(bench.run(store.take(slot, nonce(1), 60s)).granted);
    CHECK(bench.run(store.take({"api", "default", "k2"}, nonce(2), 60s)).granted);
    CHECK(bench.run(store.take({"other", "default", "k1"}, nonce(2), 60s)).granted);

    bench.run(store.release(slot, nonce(2)));  // not its own
    CHECK_FALSE(bench.run(store.take(slot, nonce(2), 60s)).granted);
    bench.run(store.release(slot, nonce(1)));
    CHECK(bench.run(store.take(slot, nonce(2), 60s)).granted);
}

TEMPLATE_TEST_CASE("what is kept is what the next one learns", "[storage][token_store]",
                   MemoryBench, PostgresBench) {
    TestType bench;
    TokenStore& store = bench.store;
    const TokenLease lease = bench.run(store.take(slot, nonce(1), 60s));
    CHECK(bench.run(store.keep(slot, lease, {"sealed one", 3600s, 0s})));
    const TokenLease next = bench.run(store.take(slot, nonce(2), 60s));  // keep gave the lease up
    CHECK(next.granted);
    CHECK(next.version == 1);
    REQUIRE(next.kept);
    CHECK(next.kept->sealed == "sealed one");
    CHECK(next.kept->life == core::Micros(3600s));
    CHECK(next.kept->left <= core::Micros(3600s));
    CHECK(next.kept->left > core::Micros(3590s));
}

TEMPLATE_TEST_CASE("a lease that lapsed is another's, and who stood still overwrites nothing",
                   "[storage][token_store]", MemoryBench, PostgresBench) {
    TestType bench;
    TokenStore& store = bench.store;
    const TokenLease slow = bench.run(store.take(slot, nonce(1), 50ms));
    REQUIRE(slow.granted);
    TokenLease quick;
    REQUIRE(test::eventually(5s, [&] {
        quick = bench.run(store.take(slot, nonce(2), 60s));
        return quick.granted;
    }));
    CHECK(bench.run(store.keep(slot, quick, {"quick", 60s, 0s})));
    CHECK_FALSE(bench.run(store.keep(slot, slow, {"slow", 60s, 0s})));
    CHECK(bench.run(store.take(slot, nonce(3), 60s)).kept->sealed == "quick");
}

TEMPLATE_TEST_CASE("who stood still, while nobody else renewed, keeps its token",
                   "[storage][token_store]", MemoryBench, PostgresBench) {
    TestType bench;
    TokenStore& store = bench.store;
    const TokenLease slow = bench.run(store.take(slot, nonce(1), 50ms));
    REQUIRE(
        test::eventually(5s, [&] { return bench.run(store.take(slot, nonce(2), 60s)).granted; }));
    CHECK(bench.run(store.keep(slot, slow, {"slow", 60s, 0s})));
    CHECK_FALSE(bench.run(store.take(slot, nonce(3), 60s)).granted);  // the lease of 2 is its own
}

TEMPLATE_TEST_CASE("keeping a token twice is keeping it once", "[storage][token_store]",
                   MemoryBench, PostgresBench) {
    TestType bench;
    TokenStore& store = bench.store;
    const TokenLease lease = bench.run(store.take(slot, nonce(1), 60s));
    CHECK(bench.run(store.keep(slot, lease, {"sealed", 60s, 0s})));
    CHECK(bench.run(store.keep(slot, lease, {"sealed", 60s, 0s})));
    CHECK(bench.run(store.take(slot, nonce(1), 60s)).version == 1);
}

TEST_CASE("a token store whose Postgres is away says that it may be back",
          "[storage][token_store]") {
    test::PrivatePostgres postgres;
    const auto pool = std::make_shared<storage::ConnectionPool>(postgres.new_database(),
                                                                std::make_shared<test::InlineOffload>());
    storage::PgTokenStore store(pool);
    postgres.stop();
    boost::asio::io_context io;
    CHECK_THROWS_AS(test::run_task(io, store.take(slot, nonce(1), 60s)), core::TransientError);
}
