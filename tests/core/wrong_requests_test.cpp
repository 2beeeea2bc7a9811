// Mistakes in what is asked for, and exactly what is said about them: YAML, requests, pages, what is new, foreach.
#include "tests/core/wrong_files.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

TEST_CASE("wrong: YAML that does not say what was meant", "[wrong_files]") {
    const std::string flow =
        " (a bracket or comma is missing; or a text inside { } or [ ] holds one of [ ] { } , itself and needs quotes: "
        "\"$.items[*]\")";
    const std::string value = " (a text with \": \" in it needs quotes; and keys of one map begin in one column)";
    CHECK(wrong_emit("{table: t, each: $.items[*], key: id}") == Lines{"6:35: is not YAML: end of map flow not found" + flow});
    CHECK(wrong_stream("    path: /a: b\n    key: id\n") == Lines{"5:13: is not YAML: illegal map value" + value});
    CHECK(wrong_stream("  path: /a\n    key: id\n") == Lines{"6:8: is not YAML: illegal map value" + value});
    CHECK(wrong_foreach("stream: b") == Lines{"5:20: is not YAML: illegal map value" + value});
    CHECK(wrong_stream("\tpath: /a\n\tkey: id\n") ==
          Lines{"5:2: is not YAML: end of map not found (lines are indented by blanks, not by tabs)"});
    const std::string quotes = " (a text that begins with a brace stands in quotes: ";
    CHECK(wrong_stream("    foreach: {list: [1], as: id}\n    path: {id}\n    key: id\n") ==
          Lines{"6:11: \"path\" must be text, not a map" + quotes + "\"{id}\")"});
    CHECK(wrong_stream("    foreach: {list: [{url: \"https://h\"}]}\n    url: {list.url}\n    key: id\n") ==
          Lines{"6:10: \"url\" must be text, not a map" + quotes + "\"{list.url}\")"});
    CHECK(wrong_field("query: {q: {id}}") == Lines{"7:16: \"q\" must be text, not a map" + quotes + "\"{id}\")"});
    CHECK(wrong_file("source: s\nstreams:\n  - name: a\n    url: https://h/\n") ==
          Lines{"3:3: \"streams\" must be a map from names to streams"});
}

TEST_CASE("wrong: requests", "[wrong_files]") {
    CHECK(wrong_field("method: get") ==
          Lines{"7:13: \"method\" must be \"GET\", \"POST\", \"PUT\" or \"PATCH\", not \"get\" (did you mean \"GET\"?)"});
    CHECK(wrong_field("body: \"{}\"") == Lines{"7:11: \"body\" must be a map, not \"{}\""});
    CHECK(wrong_field("body: {graphql: [a]}") ==
          Lines{"7:21: \"graphql\" must be a query, or a map with query and variables, not a list"});
    CHECK(wrong_field("query: a=b") == Lines{"7:12: \"query\" must be a map, not \"a=b\""});
    CHECK(wrong_field("query: {tags: [a, b]}") == Lines{"7:19: \"tags\" must be text, not a list"});
    CHECK(wrong_field("headers: [{Accept: x}]") == Lines{"7:14: \"headers\" must be a map, not a list"});
    CHECK(wrong_field("cost: -1") == Lines{"7:11: \"cost\" must be a whole number from 0 to 1000000000, not \"-1\""});
    CHECK(wrong_field("refresh: 1w") ==
          Lines{"7:14: \"refresh\" must be a duration such as 500ms, 30s, 15m, 6h or 30d, not \"1w\""});
    CHECK(wrong_head("credentials: {env: TOKEN}\n") ==
          Lines{"3:14: \"from\" is missing: where are the keys?", "3:15: unknown key \"env\""});
    CHECK(wrong_head("auth: {bearer: {token: abc}}\n") == Lines{"3:16: \"bearer\" must be text, not a map"});
    CHECK(wrong_head("limits: [{name: a, rate: 5000/hour}]\n") ==
          Lines{"3:26: \"rate\" must be requests per period such as 5000/h, 30/m, 100/15m or 10000/month, not \"5000/hour\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/s, match: \"api.github.com/**\"}]\n") ==
          Lines{"3:38: \"api.github.com/**\" is not a glob over URL paths (it begins with /; * stands for text within a segment, ** "
                "for any segments)"});
    CHECK(wrong_head("schedule: {cron: \"0 0 3 * * *\"}\n") ==
          Lines{"3:18: \"0 0 3 * * *\" is not a cron line: it has 6 fields, not 5 (minute hour day month weekday)"});
    CHECK(wrong_head("schedule: {every: 1 day}\n") ==
          Lines{"3:19: \"every\" must be a duration such as 500ms, 30s, 15m, 6h or 30d, not \"1 day\""});
}

TEST_CASE("wrong: where the next page is", "[wrong_files]") {
    CHECK(wrong_field("paginate: {type: cursor}") == Lines{"7:22: \"cursor\" needs its fields: paginate: {cursor: …}"});
    CHECK(wrong_field("paginate: {cursor: $.next}") == Lines{"7:24: \"cursor\" must be a map, not \"$.next\""});
    CHECK(wrong_field("paginate: {cursor: {next: $.c, into: query}}") ==
          Lines{"7:42: \"into\" must be query.NAME or body.PATH, not \"query\""});
    CHECK(wrong_field("paginate: {cursor: {next: meta.cursor, into: query.after}}") ==
          Lines{"7:31: \"next\": 'meta' is unknown; a field of the record is written $.meta"});
    CHECK(wrong_field("paginate: {type: link, stop_when: \"$.done = true\"}") ==
          Lines{"7:47: \"stop_when\": a comparison is written =="});
    // A path to several records has no one value: the walk would end after its first page, and nobody would be told.
    const std::string records = "yields records, for \"each\"";
    CHECK(wrong_field("paginate: {type: link, stop_when: \"$.items[*].done\"}") ==
          Lines{"7:39: \"stop_when\" must be one value: $.items[*].done " + records});
    CHECK(wrong_field("paginate: {next_url: \"$.links[*].href\"}") ==
          Lines{"7:26: \"next_url\" must be one value: $.links[*].href " + records});
    CHECK(wrong_field("paginate: {page: {last: \"$.pages[*]\"}}") ==
          Lines{"7:29: \"last\" must be one value: $.pages[*] " + records});
    CHECK(wrong_field("paginate: {last_id: {from: \"$.items[*].id\", into: query.after}}") ==
          Lines{"7:32: \"from\" must be one value: $.items[*].id " + records});
}

TEST_CASE("wrong: marks and windows", "[wrong_files]") {
    CHECK(wrong_field("incremental: since") == Lines{"7:18: \"incremental\" must be a map, not \"since\""});
    CHECK(wrong_field("incremental: {newest_first: $.id}") == Lines{"7:33: \"newest_first\" must be a map, not \"$.id\""});
    CHECK(wrong_field("incremental: {since: {field: $.t, into: query.s}, window: {from_into: query.f, start: 2020-01-01, step: 1d}}") ==
          Lines{"7:18: \"since\" and \"window\" exclude each other"});
    CHECK(wrong_field("incremental: {since: {field: updated_at, into: query.since}}") ==
          Lines{"7:34: \"field\": 'updated_at' is unknown; a field of the record is written $.updated_at"});
    CHECK(wrong_field("incremental: {since: {field: $.t, into: query.s, lookback: 2 days}}") ==
          Lines{"7:64: \"lookback\" must be a duration such as 7d or 1h, not \"2 days\""});
    CHECK(wrong_field("incremental: {since: {field: $.t, into: query.s, format: YYYY-MM-DD}}") ==
          Lines{"7:62: \"format\": 'YYYY-MM-DD' is no format of times: it is written as in '%Y-%m-%d %H:%M:%S', or iso8601, http_date, "
                "epoch or epoch_ms"});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: 2020-01-01}}") ==
          Lines{"7:27: \"step\" is missing: how long is a window?"});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: 2020-01-01, step: monthly}}") ==
          Lines{"7:73: \"step\" must be a duration such as 7d or 1h, not \"monthly\""});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: 2020-01-01, step: 1d, order: newest}}") ==
          Lines{"7:84: \"order\" must be \"oldest_first\" or \"newest_first\", not \"newest\""});
    CHECK(wrong_field("incremental: {window: {start: 2020-01-01, step: 1d}}") ==
          Lines{"7:27: nothing tells the API which window is asked for (\"from_into\", \"to_into\", or {window.start} in \"path\" or "
                "\"query\")"});
    CHECK(wrong_field("query: {day: \"{window.start}\"}\n    incremental: {window: {start: 2020-01-01, step: 1d}}").empty());
    CHECK(wrong_stream("    path: \"/a?from={window.begin}\"\n    key: id\n    incremental: {window: {start: 2020-01-01, step: 1d}}\n") ==
          Lines{"5:28: \"path\": a window has start and end, not 'begin'"});
    CHECK(wrong_emit("{table: t, set: {a: $.a}}\n    incremental: {window: {from_into: query.f, start: 2020-01-01, step: 1d, lookback: 1d}}") ==
          Lines{"7:27: \"lookback\" reads records again, so table \"t\" needs a \"key\""});
}

TEST_CASE("wrong: ranges and products", "[wrong_files]") {
    CHECK(wrong_foreach("{range: [1, 10]}") == Lines{"5:22: \"range\" must be a map, not a list"});
    CHECK(wrong_foreach("{range: {from: 1, to: 10, step: 0}}") ==
          Lines{"5:46: \"step\" must be a whole number from 1 to 1000000000000000, not \"0\""});
    CHECK(wrong_foreach("{range: {from: 1, to: 10}, as: end}") ==
          Lines{"5:45: \"end\" is the last number of a step: call the first one otherwise"});
    CHECK(wrong_foreach("{range: {from: 1, to: 10}, as: Block}") ==
          Lines{"5:45: \"as\" must be a name of lower-case letters, digits and _ that begins with a letter (at most 63 bytes), not "
                "\"Block\""});
    CHECK(wrong_foreach("{range: {from: 1, to: 9, step: 3}, as: first}", "/{first}/{last}") ==
          Lines{"6:11: \"foreach\" has no value \"last\", only \"end\" and \"first\""});
    CHECK(wrong_foreach("[{stream: a}, {stream: b}]") ==
          Lines{"5:14: streams wait for each other: a → a",
                "5:28: only one part of \"foreach\" can be rows of a stream or table (let a stream between them combine the two)"});
    CHECK(wrong_foreach("{list: a, as: id}") == Lines{"5:21: \"list\" must be a list with entries in it"});
}
