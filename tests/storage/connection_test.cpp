#include "storage/connection.hpp"

#include <cstdlib>

#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/private_postgres.hpp"

using namespace pawl;
using storage::classify_sqlstate;
using storage::Connection;
using storage::SqlFault;
using test::contains;
using test::message_of;

namespace {

void touch(Connection& connection) {
    connection.transact([](pqxx::transaction_base& transaction) { transaction.exec("select 1"); });
}

}  // namespace

TEST_CASE("an SQLSTATE says whether to wait, to ask a person or to park", "[storage][connection]") {
    for (const char* code :
         {"08006", "57P01", "57014", "53100", "53300", "40001", "40P01", "55P03", "58030", ""}) {
        CHECK(classify_sqlstate(code) == SqlFault::transient);
    }
    for (const char* code : {"28P01", "3D000", "42501", "42P01", "42601"}) {
        CHECK(classify_sqlstate(code) == SqlFault::config);
    }
    for (const char* code : {"22003", "22P05", "21000", "23505", "54000"}) {
        CHECK(classify_sqlstate(code) == SqlFault::permanent);
    }
}

TEST_CASE("a server that is not there is worth another try", "[storage][connection]") {
    Connection connection("postgresql://postgres@127.0.0.1:1/postgres");
    REQUIRE_THROWS_AS(touch(connection), core::TransientError);
}

TEST_CASE("a database or a role that does not exist is a person's to mend",
          "[storage][connection]") {
    Connection no_database(test::PrivatePostgres::shared().url("nowhere"));
    REQUIRE_THROWS_AS(touch(no_database), core::ConfigError);
    std::string url = test::PrivatePostgres::shared().url();
    url.replace(url.find("postgres@"), 9, "nobody:swordfish1@");
    Connection no_role(url);
    const std::string message = message_of([&] { touch(no_role); });
    REQUIRE_THROWS_AS(touch(no_role), core::ConfigError);
    REQUIRE(contains(message, "nobody"));
    REQUIRE_FALSE(contains(message, "swordfish1"));
}

TEST_CASE("a password that splits its URL is never shown", "[storage][connection]") {
    for (const char* url :
         {"postgresql://me:sword/fish@localhost/db", "postgresql://me:sword@fish@localhost/db",
          "postgresql://me:sword%zzfish@localhost/db"}) {
        Connection connection(url);
        const std::string message = message_of([&] { touch(connection); });
        CHECK(contains(message, "postgres.url"));
        CHECK_FALSE(contains(message, "sword"));
        CHECK_FALSE(contains(message, "fish"));
    }
}

TEST_CASE("a session has pawl's name and bounds unless the user set their own",
          "[storage][connection]") {
    const auto show = [](const std::string& url, const std::string& name) {
        Connection connection(url);
        std::string value;
        connection.transact([&](pqxx::transaction_base& transaction) {
            value = transaction.exec("show " + name)[0][0].c_str();
        });
        return value;
    };
    const std::string url = test::PrivatePostgres::shared().url();
    CHECK(show(url, "application_name") == "pawl");
    CHECK(show(url, "lock_timeout") == "10s");
    CHECK(show(url + "?application_name=mine", "application_name") == "mine");
    CHECK(show(url + "?options=-c%20lock_timeout%3D3s", "lock_timeout") == "3s");
    ::setenv("PGOPTIONS", "-c lock_timeout=4s", 1);
    CHECK(show(url, "lock_timeout") == "4s");
    ::unsetenv("PGOPTIONS");
}

TEST_CASE("a peer that vanished is found out within a minute unless the user says otherwise",
          "[storage][connection]") {
    using storage::connection_string;
    const std::string plain = connection_string("host=db.test");
    for (const char* keyword : {"keepalives_idle='30'", "keepalives_interval='10'",
                                "keepalives_count='3'", "tcp_user_timeout='60000'"})
        CHECK(contains(plain, keyword));
    const std::string own =
        connection_string("postgresql://db.test/x?keepalives_idle=7&tcp_user_timeout=0");
    CHECK(contains(own, "keepalives_idle='7'"));
    CHECK(contains(own, "tcp_user_timeout='0'"));
    CHECK_FALSE(contains(own, "60000"));
    CHECK(contains(own, "keepalives_count='3'"));
    CHECK_FALSE(contains(connection_string("service=mine"), "keepalives"));  // it may set them
}

TEST_CASE("a connection comes back by itself after its backend was ended",
          "[storage][connection]") {
    test::Database database;
    Connection connection(database.url());
    int backend = 0;
    const auto read_backend = [&] {
        connection.transact([&](pqxx::transaction_base& transaction) {
            backend = transaction.exec("select pg_backend_pid()")[0][0].as<int>();
        });
    };
    read_backend();
    const int before = backend;
    database.sql("select pg_terminate_backend(" + std::to_string(before) + ", 5000)");
    REQUIRE_THROWS_AS(read_backend(), core::TransientError);
    read_backend();
    REQUIRE(backend != before);
}

TEST_CASE("a server without fsync is refused unless it is allowed", "[storage][connection]") {
    const std::string url = test::PrivatePostgres::shared().url();
    ::unsetenv("PAWL_ALLOW_UNSAFE_POSTGRES");
    Connection connection(url);
    const std::string message = message_of([&] { touch(connection); });
    ::setenv("PAWL_ALLOW_UNSAFE_POSTGRES", "1", 1);
    REQUIRE(contains(message, "fsync"));
    REQUIRE_NOTHROW(touch(connection));
}

TEST_CASE("a read-only server is waited for", "[storage][connection]") {
    Connection connection(test::PrivatePostgres::shared().url() +
                          "?options=-c%20default_transaction_read_only%3Don");
    REQUIRE_THROWS_AS(touch(connection), core::TransientError);
}

TEST_CASE("work that fails leaves nothing behind and says what kind of fault it was",
          "[storage][connection]") {
    test::Database database;
    database.sql("create table t (a int primary key)");
    Connection connection(database.url());
    const auto insert_and = [&](const std::string& sql) {
        connection.transact([&](pqxx::transaction_base& transaction) {
            transaction.exec("insert into t values (1)");
            transaction.exec(sql);
        });
    };
    CHECK_THROWS_AS(insert_and("insert into t values (1)"), core::PermanentError);
    CHECK_THROWS_AS(insert_and("select * from nowhere"), core::ConfigError);
    CHECK_THROWS_AS(insert_and("set local statement_timeout = 10; select pg_sleep(5)"),
                    core::TransientError);
    CHECK(database.sql("select count(*) from t") == "0");
}
