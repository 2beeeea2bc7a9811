#include "storage/tables.hpp"

#include "core/errors.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using storage::Verdict;
using test::Chain;
using test::counts_of;
using test::page_of;
using test::Store;

namespace {

std::shared_ptr<core::SourceFile> things(core::Emit emit) {
    core::Stream stream = test::stream_named("thing");
    stream.emits = {std::move(emit)};
    return test::source_of({stream});
}

core::Emit short_form() {
    core::Emit emit = test::emit_of("thing", {"id"}, {});
    emit.infer = true;
    return emit;
}

std::string columns_of(Store& store) {
    return store.sql(
        "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by "
        "attname) from "
        "pg_attribute where attrelid = 'api.thing'::regclass and attnum > 0 and not attisdropped "
        "and attname not like '\\_pawl%'");
}

}  // namespace

TEST_CASE("tables whose key types are declared are created before any data", "[tables]") {
    Store store;
    core::Emit emit = test::emit_of("thing", {"id"}, {"id", "name", "seen"});
    emit.columns[0].value = core::Expression::compile("$.id as bigint");
    emit.columns[2].value = core::Expression::compile("$.seen as timestamptz");
    const auto source = things(emit);
    storage::create_known_tables(store.database().url(), *source);
    storage::create_known_tables(store.database().url(), *source);
    CHECK(columns_of(store) == "id bigint, seen timestamp with time zone");
    CHECK(store.sql("select array_to_string(reloptions, ' ') from pg_class where oid = "
                    "'api.thing'::regclass") ==
          "fillfactor=85 autovacuum_vacuum_scale_factor=0.02");
    CHECK(store.sql("select count(*) from pg_index where indrelid = 'api.thing'::regclass and "
                    "indisprimary") == "1");

    Store other;
    const auto untyped = things(test::emit_of("thing", {"id"}, {"id"}));
    storage::create_known_tables(other.database().url(), *untyped);
    CHECK(
        other.sql("select to_regclass('api.thing') is null, to_regnamespace('api') is not null") ==
        "t t");
}

TEST_CASE("the short form makes columns of what it finds, and widens them as data comes",
          "[tables]") {
    Store store;
    const auto source = things(short_form());
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing");
    CHECK(counts_of(store.commit_one(
              source,
              page_of(stream, chain.next(),
                      R"([{"id":1,"n":5,"t":"2024-01-01T00:00:00Z","b":true,"nothing":null}])"))) ==
          "1 1 0 0 0 0 0 0");
    CHECK(columns_of(store) == "b boolean, id bigint, n bigint, t timestamp with time zone");
    const auto result = store.commit_one(
        source,
        page_of(
            stream, chain.next(),
            R"([{"id":2,"n":5.5,"t":"later","b":[1],"nothing":"x"},{"id":3,"n":12345678901234567890}])"));
    CHECK(counts_of(result) == "2 2 0 0 0 0 0 0");
    CHECK(columns_of(store) == "b jsonb, id bigint, n numeric, nothing text, t text");
    CHECK(store.sql("select n, t, b from api.thing where id = 1") ==
          "5 2024-01-01T00:00:00+00:00 true");
    CHECK(store.sql("select n, nothing is null from api.thing where id = 3") ==
          "12345678901234567890 t");
    CHECK(store.sql("select string_agg(concat_ws(' ', column_name, old_type, new_type), ', ' order "
                    "by column_name) from "
                    "pawl.drift") ==
          "b boolean jsonb, n bigint numeric, nothing text, t timestamp with time zone text");
    CHECK(store.sql("select original from pawl.table_column where column_name = 'nothing'") ==
          "nothing");
}

TEST_CASE("declared columns of the short form are there before data and never widen", "[tables]") {
    Store store;
    core::Emit emit = short_form();
    emit.types = {{"at", core::ColumnType::timestamptz}, {"id", core::ColumnType::bigint}, {"stars", core::ColumnType::bigint}};
    const auto source = things(emit);
    storage::create_known_tables(store.database().url(), *source);
    CHECK(columns_of(store) == "at timestamp with time zone, id bigint, stars bigint");
    Chain chain = store.open(*source, "thing");
    const auto result = store.commit_one(
        source, page_of(source->streams[0], chain.next(),
                        R"([{"id":1,"stars":5,"at":"2026-01-02T03:04:05Z","more":true},{"id":2,"stars":"many"},{"id":3}])"));
    CHECK(test::counts_of(result) == "3 2 0 0 0 0 1 0");
    CHECK(store.sql("select reason from pawl.rejected_record") == "column stars: \"many\" does not fit bigint");
    CHECK(store.sql("select string_agg(id || ' ' || coalesce(stars::text, '-') || ' ' || coalesce(more::text, '-'), ', ' order by id) "
                    "from api.thing") == "1 5 true, 3 - -");
    // What a later record does not have is null, whether or not its batch knows the column.
    (void)store.commit_one(source, page_of(source->streams[0], chain.next(true), R"([{"id":1,"more":false}])"));
    CHECK(store.sql("select stars is null, at is null, more from api.thing where id = 1") == "t t f");
}

TEST_CASE("with drift: freeze new fields are ignored", "[tables]") {
    Store store;
    const auto source = things(short_form());
    source->drift = core::SourceFile::Drift::freeze;
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing");
    (void)store.commit_one(source, page_of(stream, chain.next(), R"([{"id":1,"a":1}])"));
    CHECK(counts_of(store.commit_one(source,
                                     page_of(stream, chain.next(), R"([{"id":2,"a":2,"b":3}])"))) ==
          "1 1 0 0 0 0 0 0");
    CHECK(columns_of(store) == "a bigint, id bigint");
}

TEST_CASE("with drift: overflow new fields go into one column, and are told once", "[tables]") {
    Store store;
    const auto source = things(short_form());
    source->drift = core::SourceFile::Drift::overflow;
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing");
    const auto put = [&](const std::string& json) { return counts_of(store.commit_one(source, page_of(stream, chain.next(), json))); };
    CHECK(put(R"([{"id":1,"a":1}])") == "1 1 0 0 0 0 0 0");
    const std::string odd = R"([{"id":2,"a":2,"b":"x\"\u0000","c":{"d":[1]},"e":null},{"id":1,"a":1,"f":12345678901234567890123,"g":true}])";
    CHECK(put(odd) == "2 1 1 0 0 0 0 0");
    CHECK(columns_of(store) == "a bigint, id bigint");
    CHECK(store.sql("select string_agg(_pawl_overflow::text, ' ' order by id) from api.thing") ==
          R"({"f": 12345678901234567890123, "g": true} {"b": "x\")" "\xEF\xBF\xBD" R"(", "c": {"d": [1]}})");
    CHECK(put(odd) == "2 0 0 2 0 0 0 0");
    CHECK(put(R"([{"id":2,"a":2,"b":1e999}])") == "1 0 0 0 0 0 1 0");
    CHECK(put(R"([{"id":2,"a":2}])") == "1 0 1 0 0 0 0 0");
    CHECK(store.sql("select _pawl_overflow is null from api.thing where id = 2") == "t");
    CHECK(store.sql("select string_agg(column_name, ',' order by column_name) from pawl.drift where new_type = '_pawl_overflow'") ==
          "b,c,f,g");
    Store other;  // what the source file names is no sign that the data was seen
    source->streams[0].emits[0].types = {{"id", core::ColumnType::bigint}};
    storage::create_known_tables(other.database().url(), *source);
    Chain first = other.open(*source, "thing");
    (void)other.commit_one(source, page_of(source->streams[0], first.next(), R"([{"id":1,"a":1}])"));
    CHECK(columns_of(other) == "a bigint, id bigint");
}

TEST_CASE("columns beyond the limit overflow", "[tables]") {
    Store store;
    const auto source = things(short_form());
    const core::Stream& stream = source->streams.front();
    const auto record = [](int fields, const std::string& name) {
        std::string json = "[{\"id\":1";
        for (int i = 0; i < fields; ++i) json += ",\"" + name + std::to_string(i) + "\":" + std::to_string(i);
        return json + "}]";
    };
    Chain chain = store.open(*source, "thing");
    const auto columns = [&] {
        return store.sql("select count(*) from pg_attribute where attrelid = 'api.thing'::regclass and attnum > 0 and not attisdropped");
    };
    const auto overflowed = [&] { return store.sql("select count(*) from api.thing, jsonb_object_keys(_pawl_overflow)"); };
    (void)store.commit_one(source, page_of(stream, chain.next(), record(490, "a")));
    (void)store.commit_one(source, page_of(stream, chain.next(), record(20, "b")));
    CHECK(columns() == "500");
    const auto beside = std::stoi(overflowed());
    CHECK(beside > 10);
    for (int page = 0; page < 2; ++page) {
        CHECK(counts_of(store.commit_one(source, page_of(stream, chain.next(), record(20, "c")))) ==
              (page == 0 ? "1 0 1 0 0 0 0 0" : "1 0 0 1 0 0 0 0"));
        CHECK(columns() == "500");
        CHECK(overflowed() == "20");
    }
    CHECK(store.sql("select count(*) from pawl.drift where new_type = '_pawl_overflow'") == std::to_string(20 + beside));
}

TEST_CASE("a field that a short form no longer sees is null", "[tables]") {
    Store store;
    const auto source = things(short_form());
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing");
    (void)store.commit_one(source, page_of(stream, chain.next(), R"([{"id":1,"a":1}])"));
    CHECK(counts_of(store.commit_one(
              source, page_of(stream, chain.next(), R"([{"id":1,"b":1}])"))) == "1 0 1 0 0 0 0 0");
    CHECK(store.sql("select a is null, b from api.thing") == "t 1");
}

TEST_CASE("two processes with different knowledge of a table meet", "[tables]") {
    Store store;
    const auto source = things(short_form());
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing"), other = store.open(*source, "thing", "2");
    (void)store.commit_one(source, page_of(stream, chain.next(), R"([{"id":1,"a":1}])"));
    storage::PgPageStore second({store.database().url(), 1}, std::make_shared<test::InlineOffload>());
    auto batch = std::make_shared<std::vector<storage::PageCommit>>();
    batch->push_back(page_of(stream, other.next(), R"([{"id":2,"a":"wide"}])"));
    CHECK(store.database().run(second.commit(0, source, batch)).at(0).verdict ==
          Verdict::committed);
    CHECK(counts_of(store.commit_one(
              source, page_of(stream, chain.next(), R"([{"id":1,"a":2}])"))) == "1 0 1 0 0 0 0 0");
    store.sql("drop table api.thing");
    CHECK(counts_of(store.commit_one(
              source, page_of(stream, chain.next(), R"([{"id":1,"a":3}])"))) == "1 1 0 0 0 0 0 0");
}

TEST_CASE("without tables.create the statements to run are told", "[tables]") {
    Store store;
    const auto source = things(test::emit_of("thing", {"id"}, {"id", "name"}));
    source->create_tables = false;
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing");
    const core::Job job = chain.next();
    const auto commit = [&] {
        return store.commit_one(source, page_of(stream, job, R"([{"id":1,"name":"a"}])"));
    };
    CHECK_THROWS_AS(commit(), core::ConfigError);
    store.sql("create schema api; create table api.thing (id int primary key, name varchar(20))");
    const std::string told = test::message_of([&] { (void)commit(); });
    CHECK(test::contains(told, "alter table \"api\".\"thing\" add column \"_pawl_loaded_at\""));
    store.sql(told.substr(told.find("alter table")));
    CHECK(commit().verdict == Verdict::committed);
}

TEST_CASE("long names, odd names and hostile texts arrive", "[tables]") {
    Store store;
    const auto source = things(short_form());
    const core::Stream& stream = source->streams.front();
    Chain chain = store.open(*source, "thing");
    const std::string name_1 = std::string(70, 'x') + "1", name_2 = std::string(70, 'x') + "2";
    const auto result = store.commit_one(
        source,
        page_of(
            stream, chain.next(),
            R"([{"id":1,")" + name_1 + R"(":1,")" + name_2 +
                R"(":2,"ctid":3,"_pawl_page":4,"":5,"select \"a\"; --":6,"ü":"😀\u0000\ud800","doc":{"a":"\u0000"},"_p":7,"t":8,"page":9}])"));
    CHECK(counts_of(result) == "1 1 0 0 0 0 0 0");
    CHECK(store.sql("select count(*) from pawl.table_column where original in ('" + name_1 +
                    "', '" + name_2 + "', 'ctid', '_pawl_page', '', 'select \"a\"; --')") == "6");
    CHECK(store.sql("select \"ü\", doc, _p, t, page from api.thing") ==
          "😀\xEF\xBF\xBD\xEF\xBF\xBD {\"a\": \"\xEF\xBF\xBD\"} 7 8 9");
    CHECK(store.sql("select count(*) from pg_description where objoid = 'api.thing'::regclass and "
                    "description = '" +
                    name_1 + "'") == "1");
    CHECK(counts_of(store.commit_one(
              source, page_of(stream, chain.next(), R"([{"id":1,"_p":7}])"))) == "1 0 1 0 0 0 0 0");
}
