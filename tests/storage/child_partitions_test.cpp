#include "storage/child_partitions.hpp"

#include "core/identity.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using storage::ParentRows;
using storage::Revisit;

namespace {

core::Stream child_with_template(const std::string& key) {
    core::Stream child = test::stream_named("child");
    child.foreach_.kind = core::Foreach::Kind::stream;
    child.foreach_.stream = "repos";
    if (!key.empty()) child.foreach_.key_template = core::Template::compile(key);
    return child;
}

/// Repositories as a parent's table; `ids` are those that a batch has just stored.
struct Repositories {
    test::Database database;

    Repositories() {
        database.sql(
            "create schema api;"
            " create table api.repos (repo_id bigint primary key, login text, name text, stars "
            "int, _pawl_page bigint);"
            " insert into api.repos values (1, 'Ann', ' Tool ', 5, 10), (2, 'bob', 'Lib', 0, 10), "
            "(3, null, 'x', 7, 10)");
    }

    static ParentRows rows(const std::string& ids) {
        ParentRows rows;
        // The joined table has a column `stars` too: `where` must still mean the parent's.
        rows.from = "api.repos as p join (select unnest('{" + ids +
                    "}'::bigint[]) as repo_id, 0 as stars) as k"
                    " on p.repo_id = k.repo_id";
        rows.table = "repos";
        rows.key = {"repo_id"};
        rows.newest = "p._pawl_page";
        return rows;
    }

    /// "added due inactive"
    std::string see(const core::Stream& child, const std::string& ids,
                    Revisit revisit = Revisit::every_sighting) {
        return database.sql(storage::insert_children_sql("api", child, rows(ids), revisit));
    }
    std::string parts() {
        return database.sql("select string_agg(part, ',' order by part) from pawl.partition");
    }
    void finish_walks(const std::string& ago = "0") {
        database.sql(
            "delete from pawl.slice; update pawl.partition set walking = false, next_due = null,"
            " last_finished = now() - interval '" +
            ago + "'");
    }
};

}  // namespace

TEST_CASE("a parent row inserts a partition and its first slice", "[storage][child_partitions]") {
    Repositories repositories;
    core::Stream child = child_with_template("");
    child.parent_columns = {"repo_id", "login"};
    REQUIRE(repositories.see(child, "1,2") == "2 0 0");
    REQUIRE(repositories.parts() == "1,2");
    auto& db = repositories.database;
    CHECK(db.sql("select parent::text from pawl.slice order by slice_id limit 1") ==
          R"({"login": "Ann", "repo_id": 1})");
    CHECK(db.sql("select count(*) from pawl.slice s join pawl.partition p using (partition_id) "
                 "where p.walking and"
                 " p.walk = 1 and s.walk = 1 and s.tip_seq = 0 and s.tip_link = s.genesis and "
                 "s.state = 'open'"
                 " and s.request_hash = '" +
                 child.request_hash + "'") == "2");
    CHECK(db.sql("select count(distinct genesis) from pawl.slice") == "2");
    CHECK(repositories.see(child, "1,2") == "0 0 0");  // its walk is under way
    CHECK(db.sql("select count(*) from pawl.slice") == "2");
}

TEST_CASE("a key's template is the canonical text of its partition",
          "[storage][child_partitions]") {
    Repositories repositories;
    const core::Stream child =
        child_with_template("{lower(login)}/{trim(name)}'s {{}} {upper(parent.login)}");
    REQUIRE(repositories.see(child, "1,2,3") ==
            "2 0 0");  // repository 3 has no login: no partition
    REQUIRE(repositories.parts() == "ann/Tool's {} ANN,bob/Lib's {} BOB");
}

TEST_CASE("several key columns are joined, a very long key is hashed",
          "[storage][child_partitions]") {
    Repositories repositories;
    core::Stream child = child_with_template("");
    child.foreach_.key_columns = {"login", "repo_id"};
    REQUIRE(repositories.see(child, "1") == "1 0 0");
    REQUIRE(repositories.parts() == "Ann/1");
    repositories.database.sql(
        "delete from pawl.partition; update api.repos set login = repeat('y', 5000)");
    REQUIRE(repositories.see(child, "1") == "1 0 0");
    std::string long_key;
    long_key.append(5000, 'y').append("/1");
    REQUIRE(repositories.parts() == core::sha256_hex(long_key));
}

TEST_CASE("only rows that satisfy where have partitions, and names in it mean the parent's",
          "[storage][child_partitions]") {
    Repositories repositories;
    core::Stream child = child_with_template("");
    child.foreach_.where = "stars > 0 and repos.repo_id < 3 -- a comment";
    REQUIRE(repositories.see(child, "1,2,3") == "1 0 0");
    REQUIRE(repositories.parts() == "1");
}

TEST_CASE("a row that no longer satisfies where makes its partition inactive, and back",
          "[storage][child_partitions]") {
    Repositories repositories;
    core::Stream child = child_with_template("");
    child.foreach_.where = "stars > 0";
    REQUIRE(repositories.see(child, "1") == "1 0 0");
    repositories.finish_walks();
    repositories.database.sql("update api.repos set stars = 0");
    REQUIRE(repositories.see(child, "1,2") == "0 0 1");
    REQUIRE(repositories.database.sql("select part, state from pawl.partition") == "1 inactive");
    repositories.database.sql("update api.repos set stars = 9");
    REQUIRE(repositories.see(child, "1") == "0 1 0");
    REQUIRE(repositories.database.sql("select state from pawl.partition") == "active");
}

TEST_CASE("a partition seen again falls due unless it is walked or was asked too recently",
          "[storage][child_partitions]") {
    Repositories repositories;
    auto& db = repositories.database;
    core::Stream child = child_with_template("");
    const std::string is_due = "select coalesce(next_due <= now(), false) from pawl.partition";
    REQUIRE(repositories.see(child, "1") == "1 0 0");
    CHECK(repositories.see(child, "1") == "0 0 0");  // walked right now
    CHECK(db.sql(is_due) == "f");
    repositories.finish_walks("1 hour");
    SECTION("without refresh: at every sighting") {
        CHECK(repositories.see(child, "1") == "0 1 0");
        CHECK(db.sql(is_due) == "t");
        CHECK(db.sql("select count(*) from pawl.slice") ==
              "0");  // existing ones wait for start_walks
    }
    SECTION("with refresh: only when it has passed") {
        child.refresh = std::chrono::hours(2);
        CHECK(repositories.see(child, "1") == "0 0 0");
        CHECK(db.sql(is_due) == "f");
        child.refresh = std::chrono::minutes(30);
        CHECK(repositories.see(child, "1") == "0 1 0");
    }
    SECTION("scanned tables without refresh: never") {
        CHECK(repositories.see(child, "1", Revisit::never) == "0 0 0");
        child.refresh = std::chrono::minutes(30);
        CHECK(repositories.see(child, "1", Revisit::never) == "0 1 0");
    }
}

TEST_CASE("an existing partition gets the parent's new values", "[storage][child_partitions]") {
    Repositories repositories;
    auto& db = repositories.database;
    core::Stream child = child_with_template("");
    child.refresh = std::chrono::hours(100);
    child.parent_columns = {"name", "not_there"};
    auto rows = Repositories::rows("1");
    rows.columns = std::set<std::string>{"repo_id", "name"};
    const std::string sql =
        storage::insert_children_sql("api", child, rows, Revisit::every_sighting);
    db.sql(sql);
    repositories.finish_walks();
    db.sql("update api.repos set name = 'new'");
    REQUIRE(db.sql(sql) == "0 0 0");
    REQUIRE(db.sql("select parent::text from pawl.partition") ==
            R"({"name": "new", "not_there": null})");
}

TEST_CASE("of several rows with one key the newest gives the parent's values",
          "[storage][child_partitions]") {
    Repositories repositories;
    auto& db = repositories.database;
    db.sql(
        "update api.repos set login = 'same'; update api.repos set _pawl_page = 11 where repo_id = "
        "2");
    core::Stream child = child_with_template("{login}");
    child.parent_columns = {"repo_id"};
    REQUIRE(repositories.see(child, "1,2,3") == "1 0 0");
    REQUIRE(db.sql("select parent::text from pawl.slice") == R"({"repo_id": 2})");
}
