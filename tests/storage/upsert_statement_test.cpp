#include "storage/upsert_statement.hpp"

#include <map>

#include "storage/pq_connection.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/private_postgres.hpp"

using namespace pawl;
using core::Emit;
using storage::UpsertTarget;

namespace {

UpsertTarget target_of(Emit::Merge merge) {
    UpsertTarget target;
    target.table = "t";
    target.stage = "s";
    target.key = {"k"};
    target.values = {"a"};
    target.merge = merge;
    if (merge != Emit::Merge::fill_null) target.version = "_pawl_version";
    return target;
}

/// A session with table t, stage s and rows in both.
class Session {
  public:
    explicit Session(const std::string& rows) : connection_(test::PrivatePostgres::shared().url()) {
        connection_.run_all(
            "create temp table t (k int primary key, a text, _pawl_loaded_at timestamptz not null "
            "default '2000-01-01', "
            "_pawl_page bigint, _pawl_version bigint); create temp table s (k int, a text, _pawl_p "
            "int, _pawl_o int, _pawl_v bigint);" +
            rows);
    }
    /// "i1=2 I1048577=2": kind, which, count.
    std::map<std::string, std::int64_t> run(const std::string& sql, const std::string& pages,
                                            const std::string& times) {
        std::map<std::string, std::int64_t> counts;
        const auto rows = connection_.run(sql, {pages, times});
        for (int row = 0; row < rows.rows(); ++row)
            if (!rows.text(row, 0).empty())
                counts[std::string(rows.text(row, 0)) + std::string(rows.text(row, 1))] =
                    rows.integer(row, 2);
        return counts;
    }
    std::string table() {
        return std::string(connection_
                               .run("select coalesce(string_agg(concat_ws(' ', k, a, _pawl_page, "
                                    "_pawl_version), ', ' order by k), '') from t")
                               .text(0, 0));
    }

  private:
    storage::PqConnection connection_;
};

using Counts = std::map<std::string, std::int64_t>;

}  // namespace

TEST_CASE("an upsert tells new, changed, same and stale rows apart by page", "[upsert]") {
    Session session(
        "insert into t values (1, 'old', default, 5, 10), (2, 'same', default, 5, 10), (3, "
        "'newer', default, 5, 99), "
        "(4, 'unversioned', default, 5, null);"
        "insert into s values (1, 'new', 1, 0), (2, 'same', 1, 1), (3, 'x', 2, 0), (4, 'y', 2, 1), "
        "(5, 'z', 2, 2), "
        "(5, 'zz', 2, 3), (1, 'newest', 2, 4)");
    CHECK(session.run(storage::upsert_sql(target_of(Emit::Merge::overwrite)), "{101,102}",
                      "{20,30}") ==
          Counts{{"a1", 1}, {"u2", 2}, {"i2", 1}, {"s2", 1}, {"I102", 1}, {"U102", 2}, {"A1", 1}});
    CHECK(session.table() == "1 newest 102 30, 2 same 5 20, 3 newer 5 99, 4 y 102 30, 5 zz 102 30");
}

TEST_CASE("with replace_by, same rows move to the page that saw them", "[upsert]") {
    Session session(
        "insert into t values (1, 'same', default, 5, 10); insert into s values (1, 'same', 1, 0)");
    UpsertTarget target = target_of(Emit::Merge::overwrite);
    target.replaces = true;
    CHECK(session.run(storage::upsert_sql(target), "{101}", "{20}") ==
          Counts{{"a1", 1}, {"A1", 1}});
    CHECK(session.table() == "1 same 101 20");
}

TEST_CASE("filling takes the newest value that is there, column by column", "[upsert]") {
    Session session(
        "insert into t values (1, 'kept', default, 5, 10), (2, null, default, 5, 10);"
        "insert into s values (1, 'no', 1, 0), (2, 'yes', 1, 1), (2, null, 2, 0), (3, null, 1, 2)");
    CHECK(session.run(storage::upsert_sql(target_of(Emit::Merge::fill_null)), "{101,102}",
                      "{20,30}") ==
          Counts{{"n1", 1}, {"u2", 1}, {"i1", 1}, {"U102", 1}, {"I101", 1}});
    CHECK(session.table() == "1 kept 5 10, 2 yes 102 10, 3 101");
}

TEST_CASE("a table of nothing but its key takes rows by every merge", "[upsert]") {
    for (const Emit::Merge merge :
         {Emit::Merge::overwrite, Emit::Merge::newest, Emit::Merge::fill_null}) {
        Session session("insert into s values (1, '', 1, 0, 7), (1, '', 1, 1, 8)");
        UpsertTarget target = target_of(merge);
        target.values.clear();
        CHECK(session.run(storage::upsert_sql(target), "{101}", "{20}") ==
              Counts{{"i1", 1}, {"I101", 1}});
        const Counts again = session.run(storage::upsert_sql(target), "{102}", "{30}");
        CHECK(again.at(merge == Emit::Merge::overwrite ? "a1" : "n1") == 1);
    }
}
