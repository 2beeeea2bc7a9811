#include "storage/migrate.hpp"

#include <array>
#include <thread>

#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/private_postgres.hpp"

using namespace pawl;
using storage::Connection;
using storage::Migration;

namespace {

std::string ask(Connection& connection, const std::string& sql) {
    std::string cell;
    connection.transact([&](pqxx::transaction_base& transaction) {
        const pqxx::result result = transaction.exec(sql);
        if (!result.empty()) cell = result[0][0].c_str();
    });
    return cell;
}

}  // namespace

TEST_CASE("an empty database gets all migrations and an instance, once", "[storage][migrate]") {
    Connection connection(test::PrivatePostgres::shared().new_database());
    const auto first = storage::migrate(connection);
    REQUIRE(first.applied == std::vector<std::string>{"1 first", "2 classes", "3 token", "4 shift", "5 incremental"});
    REQUIRE(first.version == 5);
    const auto second = storage::migrate(connection);
    REQUIRE(second.applied.empty());
    REQUIRE(second.version == 5);
    REQUIRE(second.instance == first.instance);
    REQUIRE(first.instance != core::Token{});
    REQUIRE(ask(connection, "select count(*) from pawl.migration") == "5");
}

TEST_CASE("many processes that migrate at once apply each migration once", "[storage][migrate][threads]") {
    const std::string url = test::PrivatePostgres::shared().new_database();
    std::array<storage::Migrated, 6> results;
    std::array<std::string, 6> failures;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < results.size(); ++i) {
        threads.emplace_back([&, i] {
            try {
                Connection connection(url);
                results[i] = storage::migrate(connection);
            } catch (const std::exception& error) {
                failures[i] = error.what();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    std::size_t applied = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
        CHECK(failures[i] == "");
        CHECK(results[i].instance == results[0].instance);
        applied += results[i].applied.size();
    }
    REQUIRE(applied == storage::migrations().size());
}

TEST_CASE("a database of a newer pawl is refused with both versions", "[storage][migrate]") {
    Connection connection(test::PrivatePostgres::shared().new_database());
    storage::migrate(connection);
    ask(connection, "insert into pawl.migration (version, name) values (99, 'later') returning 1");
    REQUIRE_THROWS_AS(storage::migrate(connection), core::ConfigError);
    const std::string message = test::message_of([&] { storage::migrate(connection); });
    REQUIRE(test::contains(message, "version 99"));
    REQUIRE(test::contains(message, "up to 5"));
}

TEST_CASE("a migration that fails leaves the ones before it and is tried again",
          "[storage][migrate]") {
    Connection connection(test::PrivatePostgres::shared().new_database());
    const auto own = storage::migrations();
    const std::vector<Migration> broken{
        own[0], {2, "second", "create table pawl.extra (a int); select 1 / 0"}};
    REQUIRE_THROWS_AS(storage::migrate(connection, broken), core::PermanentError);
    REQUIRE(ask(connection, "select max(version) from pawl.migration") == "1");
    REQUIRE(ask(connection, "select to_regclass('pawl.extra') is null") == "t");
    const std::vector<Migration> whole{own[0], {2, "second", "create table pawl.extra (a int)"}};
    REQUIRE(storage::migrate(connection, whole).applied == std::vector<std::string>{"2 second"});
}

TEST_CASE("without leave to migrate, missing migrations are told and nothing is touched",
          "[storage][migrate]") {
    Connection connection(test::PrivatePostgres::shared().new_database());
    const std::string message = test::message_of([&] { storage::require_migrated(connection); });
    CHECK(test::contains(message, "pawl migrate"));
    CHECK_THROWS_AS(storage::require_migrated(connection), core::ConfigError);
    CHECK(ask(connection, "select to_regclass('pawl.migration') is null") == "t");
    const auto migrated = storage::migrate(connection);
    CHECK(storage::require_migrated(connection).instance == migrated.instance);
}
