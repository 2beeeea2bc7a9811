#include "storage/mapping_changes.hpp"

#include "core/identity.hpp"
#include "storage/pg_catalogue.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using storage::SplitWalks;
using test::contains;
using test::emit_of;

namespace {

using Source = std::shared_ptr<core::SourceFile>;

/// Stream `thing` into `table` by `key`, told apart from others by its mapping hash.
Source thing_file(const std::string& table, std::vector<std::string> key) {
    core::Stream stream = test::stream_named("thing");
    stream.emits = {emit_of(table, std::move(key), {"id", "name"})};
    std::string words = table;
    for (const auto& column : stream.emits.front().key) words += " " + column;
    stream.mapping_hash = core::sha256_hex(words);
    auto source = test::source_of({stream});
    source->file = "things.yaml";
    return source;
}

/// A store whose file is registered as a planner does.
struct Kept {
    test::Store store;
    storage::PgCatalogue catalogue{store.database().pool()};

    storage::Registration take_up(const Source& source) {
        std::shared_ptr<const core::SourceFile> file = source;
        return store.database().run(catalogue.register_source(file));
    }
    std::string refusal(const Source& source) {
        return test::message_of([&] { (void)take_up(source); });
    }
    /// A page of a new walk; `last`: its only one.
    test::Chain begin(const Source& source, bool last, const std::string& part = "") {
        auto chain = store.open(*source, "thing", part);
        (void)store.commit_one(source, test::page_of(source->streams.front(), chain.next(last), R"([{"id":1,"name":"a"}])"));
        return chain;
    }
};

}  // namespace

TEST_CASE("a changed key is refused with both keys and what to do, and changes nothing", "[storage][changes]") {
    Kept kept;
    const auto file = thing_file("thing", {"id"});
    kept.take_up(file);
    (void)kept.begin(file, false);
    const auto before = kept.store.sql("select epoch, config_hash from pawl.source");
    const auto text = kept.refusal(thing_file("thing", {"id", "name"}));
    for (const std::string part :
         {"things.yaml", "stream thing", "api.thing", "the key [id] in Postgres", "the key [id, name] in the file",
          "Open slices: 1", "another name", "pawl forget api thing --drop-table", "change the key back to [id]"}) {
        INFO(part);
        CHECK(contains(text, part));
    }
    kept.catalogue.set_split_walks(SplitWalks::cancel);  // what is accepted by that is something else
    CHECK(contains(kept.refusal(thing_file("thing", {"name"})), "the key [name] in the file"));
    CHECK(kept.store.sql("select epoch, config_hash from pawl.source") == before);
    CHECK(kept.store.sql("select count(*), max(state) from pawl.slice") == "1 open");
    CHECK(kept.refusal(file).empty());
}

TEST_CASE("a table with a key cannot lose it, and one without cannot get one", "[storage][changes]") {
    Kept kept;
    const auto keyed = thing_file("thing", {"id"}), keyless = thing_file("thing", {});
    kept.take_up(keyed);
    (void)kept.begin(keyed, true);
    CHECK(contains(kept.refusal(keyless), "the key [id] in Postgres, but no key in the file"));
    Kept other;
    other.take_up(keyless);
    (void)other.begin(keyless, true);
    CHECK(contains(other.refusal(keyed), "no key in Postgres, but the key [id] in the file"));
    CHECK(other.refusal(keyless).empty());
    // Somebody else's key is no hindrance to rows that are appended, and any unique index will do for those with a key.
    other.store.sql("alter table api.thing add column number bigint generated always as identity primary key");
    CHECK(other.refusal(keyless).empty());
    other.store.sql("create unique index on api.thing (name, id)");
    CHECK(other.refusal(thing_file("thing", {"id", "name"})).empty());
}

TEST_CASE("a renamed table is refused while walks of it are begun; where that is accepted they begin anew",
          "[storage][changes]") {
    Kept kept;
    const auto before = thing_file("thing", {"id"}), after = thing_file("object", {"id"});
    kept.take_up(before);
    const auto begun = kept.begin(before, false, "a");
    const auto fresh = kept.store.open(*before, "thing", "b");
    kept.store.sql(
        "insert into pawl.validator (partition_id, slice_id, key, page_id, last) select partition_id, 0, 'k', 1, true "
        "from pawl.slice");
    const auto text = kept.refusal(after);
    CHECK(contains(text, "1 of 2 open slices have stored pages in api.thing, and the rest of them would go to api.object"));
    CHECK(contains(text, "--accept-changes"));
    CHECK(kept.store.sql("select count(*) from pawl.slice where state = 'open'") == "2");

    kept.catalogue.set_split_walks(SplitWalks::cancel);
    const auto registered = kept.take_up(after);
    CHECK(registered.cancelled == std::vector<core::SliceId>{begun.slice});
    CHECK(kept.store.sql("select slice_id, outcome from pawl.slice_done") == std::to_string(begun.slice) + " cancelled");
    CHECK(kept.store.sql("select slice_id from pawl.slice") == std::to_string(fresh.slice));
    CHECK(kept.store.sql(
              "select string_agg(part, ' ') from pawl.partition where part <> '' and not walking and next_due <= now()") ==
          "a");
    CHECK(kept.store.sql("select count(*) from pawl.validator join pawl.partition using (partition_id) where part = 'a'") ==
          "0");
    CHECK(kept.store.sql("select count(*) from api.thing") == "1");
    kept.catalogue.set_split_walks(SplitWalks::refuse);
    CHECK(kept.refusal(after).empty());
}

TEST_CASE("a renamed table without begun walks takes effect, and so does the old name again", "[storage][changes]") {
    Kept kept;
    const auto before = thing_file("thing", {"id"}), after = thing_file("object", {"id"});
    kept.take_up(before);
    (void)kept.begin(before, true);
    CHECK(kept.take_up(after).cancelled.empty());
    (void)kept.begin(after, true);
    CHECK(kept.store.sql("select (select count(*) from api.thing), (select count(*) from api.object)") == "1 1");
    const std::string in_force =
        "select body -> 'emits' -> 0 ->> 'table' from pawl.spec where kind = 'mapping' "
        "order by (body ->> 'epoch')::bigint desc limit 1";
    CHECK(kept.store.sql(in_force) == "object");
    CHECK(kept.take_up(before).may_plan);
    CHECK(kept.store.sql(in_force) == "thing");
}

TEST_CASE("a table more or less splits no walk; one instead of another does", "[storage][changes]") {
    storage::MappingFacts facts;
    facts.open_slices["thing"] = 3;
    facts.in_force["thing"] = {{"api", "thing"}};
    facts.begun = {{"thing", "hash", {{"api", "thing"}}, 2}};
    auto source = thing_file("thing", {"id"});
    auto& emits = source->streams.front().emits;
    emits.push_back(emit_of("more", {"id"}, {"id"}));
    CHECK(storage::judge_mappings(*source, facts).split.empty());
    CHECK(storage::judge_mappings(*source, facts).warnings.empty());
    emits.erase(emits.begin());
    const auto verdict = storage::judge_mappings(*source, facts);
    REQUIRE(verdict.moved.size() == 1);
    CHECK(verdict.refusal.empty());
    REQUIRE(verdict.warnings.size() == 1);
    CHECK(contains(verdict.warnings.front(),
                   "does not write api.thing any more; the rows stay there. What comes from now on goes to api.more"));
    CHECK(contains(verdict.warnings.front(), "pawl reset api thing"));
    facts.in_force["thing"].push_back({"api", "more"});
    facts.begun.front().emits.push_back({"api", "more"});
    CHECK(storage::judge_mappings(*source, facts).moved.empty());
    CHECK(storage::judge_mappings(*source, facts).warnings.size() == 1);
}
