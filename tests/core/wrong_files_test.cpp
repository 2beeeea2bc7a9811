// Wrong source files and exactly what is said about them.
#include "tests/core/wrong_files.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

std::string later(const std::string& place, const std::string& word) {
    return place + ": \"" + word + "\" is not supported in this version";
}

}  // namespace

TEST_CASE("wrong: files that are no map", "[wrong_files]") {
    CHECK(wrong_file("") == Lines{"1:1: the file is empty (it begins with source: NAME)"});
    CHECK(wrong_file("- a\n") ==
          Lines{"1:1: the file must be a map of fields (it begins with source: NAME)"});
    CHECK(wrong_file("hello\n") ==
          Lines{"1:1: the file must be a map of fields (it begins with source: NAME)"});
    CHECK(wrong_file("{}") == Lines{"1:1: \"source\" is missing: what is the API called?",
                               "1:1: \"streams\" is missing: what is asked for?"});
}

TEST_CASE("wrong: the whole message has place, line, caret and hint", "[wrong_files]") {
    const std::string text =
        "source: hn\nbase_url: https://h\nstreams:\n  a:\n    pth: /a\n    key: id\n";
    CHECK_THROWS_WITH(parse_source_text(text, "sources/hn.yaml", {}),
                      "sources/hn.yaml:5:5: unknown key \"pth\"\n"
                      "  5 |     pth: /a\n"
                      "    |     ^\n"
                      "  hint: did you mean \"path\"?\n"
                      "sources/hn.yaml:5:5: \"path\" or \"url\" is missing: what is asked for?\n"
                      "  5 |     pth: /a\n"
                      "    |     ^");
}

TEST_CASE("wrong: unknown keys, with a suggestion where one is close", "[wrong_files]") {
    CHECK(wrong_head("limts: []\n") ==
          Lines{"3:1: unknown key \"limts\" (did you mean \"limits\"?)"});
    CHECK(wrong_head("banana: 1\n") == Lines{"3:1: unknown key \"banana\""});
    CHECK(wrong_field("pagniate: link") ==
          Lines{"7:5: unknown key \"pagniate\" (did you mean \"paginate\"?)"});
    CHECK(wrong_field("paginate: {page: {parm: p}}") ==
          Lines{"7:23: unknown key \"parm\" (did you mean \"param\"?)"});
    CHECK(wrong_head("tables: {shema: x}\n") ==
          Lines{"3:10: unknown key \"shema\" (did you mean \"schema\"?)"});
    CHECK(wrong_head("defaults: {foreach: {list: [1]}}\n") ==
          Lines{"3:12: unknown key \"foreach\""});
}

TEST_CASE("wrong: duplicate keys", "[wrong_files]") {
    CHECK(wrong_head("source: t\n") ==
          Lines{"3:1: \"source\" stands twice (the first is in line 1)"});
    CHECK(wrong_field("path: /b") == Lines{"7:5: \"path\" stands twice (the first is in line 5)"});
}

TEST_CASE("wrong: what a walk is expected to find", "[wrong_files]") {
    CHECK(wrong_field("expect: 5") == Lines{"7:13: \"expect\" must be a map, not \"5\""});
    CHECK(wrong_field("expect: {tolerance: 1%}") ==
          Lines{"7:13: \"count\" is missing: how many records should there be?"});
    CHECK(wrong_field("expect: {count: $.total}") ==
          Lines{"7:21: \"count\" must be known before anything is asked (it is made of parent.NAME, list.NAME and "
                "numbers)"});
    CHECK(wrong_field("expect: {count: parent.stars}") ==
          Lines{"7:21: {parent.stars} refers to nothing: the stream has no \"foreach\""});
    CHECK(wrong_field("expect: {count: 5 +}").size() == 1);
    CHECK(wrong_field("expect: {count: 5, tolerance: much}") ==
          Lines{"7:35: \"tolerance\" must be a share such as 1% or 0.01, not \"much\""});
    CHECK(wrong_field("expect: {count: 5, page_size: 0}") ==
          Lines{"7:35: \"page_size\" must be a whole number from 1 to 1000000, not \"0\""});
    CHECK(wrong_stream("    foreach: {list: [{id: 1, size: 9}]}\n    path: /a\n    key: id\n"
                       "    expect: {count: list.siz}\n") ==
          Lines{"8:21: the entries of \"list\" have no \"siz\" (did you mean \"size\"?)"});
}

TEST_CASE("wrong: ranges, and what is combined", "[wrong_files]") {
    CHECK(wrong_foreach("{range: {from: 1}}") == Lines{"5:22: \"to\" is missing: which is the last number?"});
    CHECK(wrong_foreach("{range: {from: 9, to: 1}}") == Lines{"5:22: a range from 9 to 1 is empty"});
    CHECK(wrong_foreach("{range: {from: 1, to: 99000000}}") == Lines{"5:14: \"foreach\" makes more than 10000000 partitions"});
    CHECK(wrong_foreach("[{range: {from: 1, to: 9}}, {list: [1], as: n}]") ==
          Lines{"5:14: two parts of \"foreach\" have a value \"n\" (name one otherwise: as: …)"});
    CHECK(wrong_foreach("[]") == Lines{"5:14: \"foreach\" is empty"});
    CHECK(wrong_foreach("[5]") == Lines{"5:15: a part of \"foreach\" must be a map such as {list: [1, 2], as: id}"});
    CHECK(wrong_foreach("{list: [1], as: a, stream: a}").size() >= 1);
    CHECK(wrong_foreach("[{stream: a}, {table: b}]").size() >= 1);
}

TEST_CASE("wrong: what is asked for of what is new", "[wrong_files]") {
    CHECK(wrong_field("incremental: {}") ==
          Lines{"7:18: \"since\", \"window\" or \"newest_first\" is missing: how is the new told from the old?"});
    CHECK(wrong_field("incremental: {since: {into: query.since}}") ==
          Lines{"7:26: \"field\" is missing: which value of a record says how new it is?"});
    CHECK(wrong_field("incremental: {newest_first: {}}") ==
          Lines{"7:33: \"field\" is missing: which value of a record says how new it is?"});
    CHECK(wrong_field("incremental: {since: {field: $.t, into: since}}") ==
          Lines{"7:45: \"into\" must be query.NAME or body.PATH, not \"since\""});
    CHECK(wrong_field("incremental: {since: {field: $.t, into: body.since}}") ==
          Lines{"7:18: \"body.since\" is a place in a body, and the stream sends none (write body: {json: {…}})"});
    CHECK(wrong_field("incremental: {since: {field: $.t, into: query.s, lookback: often}}") ==
          Lines{"7:64: \"lookback\" must be a duration such as 7d or 1h, not \"often\""});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, step: 7d}}") ==
          Lines{"7:27: \"start\" is missing: where does the history begin?"});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: yesterday, step: 7d}}") ==
          Lines{"7:55: \"start\" must be a time such as 2020-01-01 or 2020-01-01T00:00:00Z, not \"yesterday\""});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: 0, step: 7}}") ==
          Lines{"7:27: \"end\" is missing: numbers have no now"});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: 2020-01-01, step: 1h, format: '%Y-%m-%d'}}") ==
          Lines{"7:27: \"step\" must be a multiple of what the API tells apart (which \"granularity\" or \"format\" says)"});
    CHECK(wrong_field("incremental: {window: {from_into: query.f, start: 2020-01-01, step: 1d, end: $.last}}") ==
          Lines{"7:82: \"end\" must be known before anything is asked (it is a time, a number, parent.NAME or list.NAME)"});
    CHECK(wrong_field("query: {day: \"{window.start}\"}") ==
          Lines{"7:18: {window.start} refers to nothing: the stream has no \"incremental\""});
    CHECK(wrong_emit("{table: t, merge: append, set: {a: $.a}}\n    incremental: {since: {field: $.t, into: query.s}}").size() == 1);
    CHECK(wrong_field("paginate: {type: link, on_max: split}") ==
          Lines{"7:15: \"on_max: split\" splits windows, and the stream has no \"incremental: {window: …}\""});
}

TEST_CASE("wrong: bodies, and places in them", "[wrong_files]") {
    CHECK(wrong_field("method: FETCH") ==
          Lines{"7:13: \"method\" must be \"GET\", \"POST\", \"PUT\" or \"PATCH\", not \"FETCH\""});
    CHECK(wrong_field("body: {}") ==
          Lines{"7:11: \"json\", \"form\" or \"graphql\" is missing: what is sent?"});
    CHECK(wrong_field("body: {json: {}, form: {}}") ==
          Lines{"7:11: \"json\" and \"form\" exclude each other"});
    CHECK(wrong_field("body: {form: {a: {b: 1}}}") ==
          Lines{"7:19: \"a\" must be a value: a form is flat"});
    CHECK(wrong_field("body: {graphql: {variables: {}}}") == Lines{"7:21: \"query\" is missing"});
    CHECK(wrong_field("body: {json: {a: \"{b\"}}").size() == 1);
    CHECK(wrong_field("method: GET\n    body: {json: {}}") == Lines{"7:13: GET sends no body"});
    CHECK(wrong_field("paginate: {last_id: {from: $.id}}") ==
          Lines{"7:25: \"into\" is missing: which parameter takes it?"});
    CHECK(wrong_field("paginate: last_id") ==
          Lines{"7:15: \"last_id\" needs its fields: paginate: {last_id: …}"});
    CHECK(wrong_field("paginate: {cursor: {next: $.c, into: body.after}}") ==
          Lines{"7:15: \"body.after\" is a place in a body, and the stream sends none (write body: {json: {…}})"});
    CHECK(wrong_field("body: {json: [1]}\n    paginate: {cursor: {next: $.c, into: body.1}}") ==
          Lines{"8:15: the body has no place for \"body.1\""});
    CHECK(wrong_field("body: {form: {a: 1}}\n    paginate: {cursor: {next: $.c, into: body.a.b}}").size() == 2);
}

TEST_CASE("wrong: what is not built yet is told so", "[wrong_files]") {
    CHECK(wrong_field("raw: {keep: 90d}") == Lines{later("7:5", "raw")});
    CHECK(wrong_head("defaults: {raw: {keep: 1d}}\n") == Lines{later("3:12", "raw")});
}

TEST_CASE("wrong: names", "[wrong_files]") {
    const std::string name_rule =
        "must be a name of lower-case letters, digits and _ that begins with a letter (at most ";
    const std::string rest = "\nstreams: {a: {url: \"https://h/\", key: id}}\n";
    CHECK(wrong_file("source: Git-Hub" + rest) ==
          Lines{"1:9: \"source\" " + name_rule + "40 bytes), not \"Git-Hub\""});
    CHECK(wrong_file("source: " + std::string(41, 'a') + rest).size() == 1);
    CHECK(wrong_file("source: " + std::string(40, 'a') + rest).empty());
    CHECK(wrong_file("source: [a]" + rest) ==
          Lines{"1:9: \"source\" " + name_rule + "40 bytes), not a list"});
    CHECK(wrong_file("source:" + rest) == Lines{"1:1: \"source\" has no value"});
    CHECK(wrong_file("source: s\nstreams: {A-b: {url: \"https://h/\", key: id}}\n") ==
          Lines{"2:11: stream \"A-b\" must be lower-case letters, digits and _, beginning with a "
                "letter (at most 63 bytes)"});
    CHECK(wrong_emit("{table: T, key: id}") ==
          Lines{"6:19: \"table\" " + name_rule + "63 bytes), not \"T\""});
    CHECK(wrong_emit("{table: t, key: [id, id]}") == Lines{"6:32: \"key\" holds \"id\" twice"});
    CHECK(wrong_emit("{table: t, key: []}") == Lines{"6:27: \"key\" is empty"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id, _pawl_page: $.x}}") ==
          Lines{"6:47: column \"_pawl_page\" must be lower-case letters, digits and _, beginning "
                "with a letter (at most 63 bytes)"});
}

TEST_CASE("wrong: base_url", "[wrong_files]") {
    const auto base = [](const std::string& url) {
        return wrong_file("source: s\nbase_url: \"" + url +
                     "\"\nstreams: {a: {url: \"https://h/\", key: id}}\n");
    };
    CHECK(base("ftp://h") == Lines{"2:11: \"base_url\" must begin with http:// or https://"});
    CHECK(base("https://") == Lines{"2:11: \"base_url\" has no host"});
    CHECK(base("https://:80/") == Lines{"2:11: \"base_url\" has no host"});
    CHECK(base("https://a b/") ==
          Lines{"2:11: \"base_url\" must not hold blanks or control characters"});
    CHECK(base("https://me:pw@h/") ==
          Lines{"2:11: \"base_url\" must not hold a user or password: use \"auth\""});
    CHECK(base("https://h/#x") == Lines{"2:11: \"base_url\" must not hold a fragment (#)"});
    CHECK(base("https://h/?a=b") ==
          Lines{"2:11: \"base_url\" must not hold a query: use \"defaults\""});
    CHECK(base("https://h/{x}") ==
          Lines{"2:11: \"base_url\" must not hold {placeholders}: they belong into \"path\""});
    CHECK(base("https://127.0.0.1:8080/v1").empty());
}

TEST_CASE("wrong: path and url", "[wrong_files]") {
    CHECK(wrong_stream("    path: a\n    key: id\n") ==
          Lines{"5:11: \"path\" must begin with /, not \"a\""});
    CHECK(wrong_stream("    path: /a\n    url: https://h/\n    key: id\n") ==
          Lines{"5:5: \"path\" and \"url\" exclude each other"});
    CHECK(wrong_stream("    url: h/x\n    key: id\n") ==
          Lines{"5:10: \"url\" must begin with http:// or https://"});
    CHECK(wrong_file("source: s\nstreams: {a: {path: /a, key: id}}\n") ==
          Lines{"2:21: \"path\" needs \"base_url\""});
    CHECK(wrong_stream("    path: \"/a\\nb\"\n    key: id\n") ==
          Lines{"5:11: \"path\" must not hold a line break"});
    CHECK(wrong_stream("    path: /a/{b\n    key: id\n") ==
          Lines{"5:14: \"path\": \"{\" is not closed: write \"{{\" for a brace"});
    CHECK(wrong_stream("    path: \"/a/{title(b)}\"\n    key: id\n") ==
          Lines{"5:16: \"path\": there is no function title()"});
    CHECK(wrong_stream("    path: \"/a/{lowr(b)}\"\n    key: id\n") ==
          Lines{"5:16: \"path\": there is no function lowr(); did you mean lower()?"});
    CHECK(wrong_stream("    path: \"/a/{today('Asia/Soul')}\"\n    key: id\n") ==
          Lines{"5:22: \"path\": there is no time zone 'Asia/Soul'; did you mean \"Asia/Seoul\"?"});
    CHECK(wrong_stream("    path: \"/a/{$.id}\"\n    key: id\n") ==
          Lines{"5:16: \"path\": a placeholder sees no record: it is made of names, parent, list and window"});
}

TEST_CASE("wrong: headers", "[wrong_files]") {
    CHECK(wrong_head("headers: {\"A b\": x}\n") ==
          Lines{"3:11: \"A b\" is not the name of a header"});
    CHECK(wrong_head("headers: {X: \"a\\r\\nHost: evil\"}\n") ==
          Lines{"3:14: \"X\" must not hold a line break"});
    CHECK(wrong_head("headers: {Host: x}\n") ==
          Lines{"3:11: header \"Host\" is set by pawl itself"});
    CHECK(wrong_head("headers: {X: [a]}\n") == Lines{"3:14: \"X\" must be text, not a list"});
    CHECK(wrong_head("headers: x\n") == Lines{"3:10: \"headers\" must be a map, not \"x\""});
}

TEST_CASE("wrong: credentials and auth", "[wrong_files]") {
    CHECK(wrong_head("credentials: {}\n") ==
          Lines{"3:14: \"from\" is missing: where are the keys?"});
    CHECK(wrong_head("credentials: {from: {}}\n") ==
          Lines{"3:21: \"env\", \"file\" or \"dir\" is missing: where are the keys?"});
    CHECK(wrong_head("credentials: {from: {env: A, dir: b}}\n") ==
          Lines{"3:21: \"env\" and \"dir\" exclude each other"});
    CHECK(wrong_head("credentials: {from: {env: A}, inject: {header: X, query: y}}\n") ==
          Lines{"3:39: \"header\" and \"query\" exclude each other"});
    CHECK(wrong_head("credentials: {from: {env: A}, inject: {header: X, value: token}}\n") ==
          Lines{"3:58: \"value\" must hold {key}"});
    CHECK(
        wrong_head("credentials: {from: {env: A}, inject: {header: X, value: \"{key}{id}\"}}\n") ==
        Lines{"3:58: {id} is not known here: the key is {key}"});
    CHECK(wrong_head("credentials: {from: {env: A}}\nauth: {bearer: longtoken}\n") ==
          Lines{"4:7: \"credentials\" and \"auth\" exclude each other"});
    CHECK(wrong_head("auth: {}\n") ==
          Lines{"3:7: \"bearer\", \"basic\", \"api_key\", \"oauth2\", \"jwt\" or \"session\" is missing"});
    CHECK(wrong_head("auth: {basic: {user: u}}\n") == Lines{"3:15: \"password\" is missing"});
    CHECK(wrong_head("auth: {api_key: {value: some-key}}\n") ==
          Lines{"3:17: \"header\" or \"query\" is missing: where does the key go?"});
    CHECK(wrong_head("auth: {bearer: \"a-token\\nX: y\"}\n") ==
          Lines{"3:7: a credential must not hold a line break"});
    CHECK(wrong_field("credentials: some") ==
          Lines{"7:18: \"credentials\" must be \"none\", not \"some\""});
}

TEST_CASE("wrong: a secret in the file is not shown", "[wrong_files]") {
    try {
        (void)parse_source_text("source: s\nauth: {bearer: very-hidden-token, x: 1}\n", "x.yaml",
                                {});
        FAIL("accepted");
    } catch (const ConfigError& error) {
        CHECK(std::string(error.what()).find("very-hidden") == std::string::npos);
    }
}

TEST_CASE("wrong: how a limit's budget comes back", "[wrong_files]") {
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, algorithm: leaky}]\n") ==
          Lines{"3:42: \"algorithm\" must be \"sliding_window\", \"token_bucket\", \"fixed_window\" or \"adaptive\", not "
                "\"leaky\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/7h, algorithm: fixed_window}]\n") ==
          Lines{"3:10: the period of a fixed_window must divide a day, or be a month: 500/h, 10000/1d, 100/15m, "
                "50000/month"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/month, algorithm: token_bucket}]\n") ==
          Lines{"3:10: a rate per month is a fixed_window: months have no one length"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/1d, timezone: UTC}]\n") ==
          Lines{"3:42: \"timezone\" is for a fixed_window only"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/1d, algorithm: fixed_window, timezone: Mars}]\n") ==
          Lines{"3:67: \"Mars\" is not a time zone such as America/Los_Angeles"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/1d, algorithm: fixed_window, burst: 2}]\n") ==
          Lines{"3:64: a fixed_window is spent at any pace: it has no \"burst\""});
    CHECK(wrong_head("limits: [{name: a, concurrency: 5, cost: 2}]\n") ==
          Lines{"3:10: \"cost\" needs \"rate\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, cost: 6}]\n") ==
          Lines{"3:10: \"cost\" must not be above the rate's 5"});
}

TEST_CASE("wrong: limits that are learned", "[wrong_files]") {
    CHECK(wrong_head("limits: [{name: a, rate: 50/s, algorithm: adaptive, start: 5, concurrency: 9}]\n").empty());
    CHECK(wrong_head("limits: [{name: a, concurrency: 9, algorithm: adaptive}]\n").empty());
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, start: 2}]\n") ==
          Lines{"3:38: \"start\" is for an adaptive limit only"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, algorithm: adaptive, burst: 2}]\n") ==
          Lines{"3:59: an adaptive limit is evenly spaced: it has no \"burst\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, algorithm: adaptive, start: 6}]\n") ==
          Lines{"3:10: \"start\" must not be above the rate's 5"});
}

TEST_CASE("wrong: a cost that the answer tells", "[wrong_files]") {
    CHECK(wrong_head("limits: [{name: a, rate: 50/h, cost: {from: $.cost, estimate: 5}}]\n").empty());
    CHECK(wrong_head("limits: [{name: a, rate: 50/h, cost: {estimate: 5}}]\n") ==
          Lines{"3:38: \"from\" is missing: where does the answer tell what a request cost?"});
    CHECK(wrong_head("limits: [{name: a, rate: 50/h, cost: {from: parent.cost}}]\n") ==
          Lines{"3:45: the cost is read from the response: parent.… is not known here"});
}

TEST_CASE("wrong: whose key it is, and what it may", "[wrong_files]") {
    const auto file = [](const std::string& owner) {
        return wrong_file("source: s\nbase_url: https://h\nstreams: {a: {path: /a, key: id}}\n"
                          "credentials: {from: {env: K}, owner: " + owner + "}\n");
    };
    CHECK(file("{path: /user, select: $.login}").empty());
    CHECK(file("{path: user, select: $.login}") ==
          Lines{"4:45: \"path\" begins with /: it is appended to base_url"});
    CHECK(file("{path: /user}") == Lines{"4:38: \"select\" is missing"});
    CHECK(wrong_head("credentials: {from: {env: K}, owner: {path: /user, select: $.login}}\n") ==
          Lines{"3:38: \"owner\" needs \"base_url\""});
    CHECK(wrong_field("scopes: [\"read:org\", repo]").empty());
    CHECK(wrong_field("scopes: \"a b\"") ==
          Lines{"7:13: \"a b\" is not a scope: one word without blanks or commas"});
}

TEST_CASE("wrong: the standard's headers", "[wrong_files]") {
    CHECK(wrong_head("limits: [{name: core, rate: 5/h}]\nfeedback: {standard: ietf, policies: {day: core}}\n").empty());
    CHECK(wrong_head("feedback: {standard: rfc}\n") == Lines{"3:22: \"standard\" must be \"ietf\", not \"rfc\""});
    CHECK(wrong_head("feedback: {standard: ietf, remaining: x-left}\n") ==
          Lines{"3:39: \"standard\" and \"remaining\" exclude each other"});
    CHECK(wrong_head("limits: [{name: core, rate: 5/h}]\nfeedback: {policies: {day: core}}\n") ==
          Lines{"4:22: \"policies\" needs \"standard: ietf\""});
    CHECK(wrong_head("limits: [{name: core, rate: 5/h}]\nfeedback: {standard: ietf, policies: {day: coer}}\n") ==
          Lines{"4:44: there is no limit \"coer\" (did you mean \"core\"?)"});
}

TEST_CASE("wrong: what a request costs", "[wrong_files]") {
    const auto file = [](const std::string& cost) {
        return wrong_file("source: s\nlimits: [{name: points, rate: 100/h}]\nstreams:\n  a:\n    url: https://h/\n"
                          "    key: id\n    cost: " + cost + "\n");
    };
    CHECK(file("{pionts: 5}") == Lines{"7:20: there is no limit \"pionts\" (did you mean \"points\"?)"});
    CHECK(file("many") == Lines{"7:11: \"cost\" must be a whole number from 0 to 1000000000, not \"many\""});
    CHECK(file("101") == Lines{"7:11: a request of 101 units never fits limit \"points\" of 100"});
    CHECK(file("{points: 100}").empty());
}

TEST_CASE("wrong: limits", "[wrong_files]") {
    CHECK(wrong_head("limits: {name: a}\n") == Lines{"3:9: \"limits\" must be a list of maps"});
    CHECK(wrong_head("limits: [a]\n") ==
          Lines{"3:10: a limit must be a map such as {name: core, rate: 5000/h}"});
    CHECK(wrong_head("limits: [{rate: 5/h}]\n") == Lines{"3:10: \"name\" is missing"});
    CHECK(wrong_head("limits: [{name: a}]\n") ==
          Lines{"3:10: a limit needs \"rate\" or \"concurrency\""});
    CHECK(wrong_head("limits: [{name: a, rate: fast}]\n") ==
          Lines{"3:26: \"rate\" must be requests per period such as 5000/h, 30/m, 100/15m or 10000/month, not "
                "\"fast\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, reserve: 96%}]\n") ==
          Lines{"3:40: \"reserve\" must be a share from 0 to 95% such as 5% or 0.05, not \"96%\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, burst: 6}]\n") ==
          Lines{"3:10: \"burst\" must not be above the rate's 5"});
    CHECK(wrong_head("limits: [{name: a, concurrency: 0}]\n") ==
          Lines{"3:33: \"concurrency\" must be a whole number from 1 to 100000, not \"0\""});
    CHECK(wrong_head("limits: [{name: a, concurrency: 5, burst: 2}]\n") ==
          Lines{"3:10: \"burst\" needs \"rate\""});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, per: host}]\n") ==
          Lines{"3:36: \"per\" must be \"owner\", \"key\" or \"source\", not \"host\""});
    CHECK(
        wrong_head("limits: [{name: a, rate: 5/h, match: search}]\n") ==
        Lines{"3:38: \"search\" is not a glob over URL paths (it begins with /; * stands for text "
              "within a segment, ** for any segments)"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h}, {name: a, rate: 6/h}]\n") ==
          Lines{"3:32: there are two limits \"a\""});
}

TEST_CASE("wrong: feedback", "[wrong_files]") {
    CHECK(wrong_head("feedback: {reset: {format: epoch}}\n") ==
          Lines{"3:19: \"header\" is missing"});
    CHECK(wrong_head("feedback: {reset: {header: x, format: unix}}\n") ==
          Lines{"3:39: \"format\" must be \"epoch\", \"delta\", \"iso8601\" or \"http_date\", not "
                "\"unix\""});
    CHECK(wrong_head(
              "limits: [{name: core, rate: 5/h}]\nfeedback: {resource: {header: x, c: coer}}\n") ==
          Lines{"4:37: there is no limit \"coer\" (did you mean \"core\"?)"});
    CHECK(wrong_head("feedback: {free: [304, 999]}\n") ==
          Lines{"3:24: \"free\" must be a whole number from 100 to 599, not \"999\""});
    CHECK(wrong_head("feedback: {limit: \"a b\"}\n") ==
          Lines{"3:19: \"a b\" is not the name of a header"});
}

TEST_CASE("wrong: error rules", "[wrong_files]") {
    CHECK(wrong_head("errors: {status: 404}\n") == Lines{"3:9: \"errors\" must be a list of maps"});
    CHECK(wrong_head("errors: [{status: 404}]\n") ==
          Lines{"3:10: \"do\" is missing: what is to be done?"});
    CHECK(
        wrong_head("errors: [{do: gone}]\n") ==
        Lines{"3:10: a rule needs \"status\", \"body\" or \"header\": it would match everything"});
    CHECK(wrong_head("errors: [{status: 404, do: ignore}]\n") ==
          Lines{"3:28: \"do\" must be \"page\", \"retry\", \"rate_limited\", \"quarantine_key\", "
                "\"gone\", \"cursor_expired\", \"empty\", \"truncated\" or \"fail\", not \"ignore\""});
    CHECK(wrong_head("errors: [{status: [404, 6xx], do: gone}]\n") ==
          Lines{"3:25: \"status\" must be a status from 100 to 599, or such as 5xx, or a list of "
                "these, not \"6xx\""});
    CHECK(wrong_head("errors: [{status: 500, do: retry, wait: 10m..2s}]\n") ==
          Lines{"3:41: \"wait\" must be a duration such as 30s or a range such as 2s..10m, not "
                "\"10m..2s\""});
    CHECK(wrong_head("errors: [{status: 500, do: retry, attempts: 0}]\n") ==
          Lines{"3:45: \"attempts\" must be a whole number from 1 to 1000, not \"0\""});
    CHECK(wrong_head("errors: [{status: 500, do: retry, confirm: 2}]\n") ==
          Lines{"3:10: \"confirm\" is for \"do: gone\" and \"do: quarantine_key\" only"});
    CHECK(wrong_head("errors: [{header: {a: b, c: d}, do: retry}]\n") ==
          Lines{"3:19: \"header\" must be one name, or one {name: value}"});
}

TEST_CASE("wrong: streams as a whole", "[wrong_files]") {
    CHECK(wrong_file("source: s\nstreams: {}\n") ==
          Lines{"2:10: \"streams\" must be a map from names to streams"});
    CHECK(wrong_file("source: s\nstreams: [a]\n") ==
          Lines{"2:10: \"streams\" must be a map from names to streams"});
    CHECK(wrong_file("source: s\nstreams: {a: b}\n") == Lines{"2:11: stream \"a\" must be a map"});
    CHECK(wrong_stream("    path: /a\n") ==
          Lines{"5:5: \"key\" or \"emit\" is missing: where do the records go?"});
}

TEST_CASE("wrong: pagination", "[wrong_files]") {
    CHECK(wrong_field("paginate: lnik") ==
          Lines{"7:15: \"paginate\" must be \"none\" or \"link\", not \"lnik\" (did you mean "
                "\"link\"?)"});
    CHECK(wrong_field("paginate: page") ==
          Lines{"7:15: \"page\" needs its fields: paginate: {page: …}"});
    CHECK(wrong_field("paginate: [link]") ==
          Lines{"7:15: \"paginate\" must be none, link or a map"});
    CHECK(
        wrong_field("paginate: {max_pages: 5}") ==
        Lines{"7:15: \"type\", \"next_url\", \"page\", \"offset\", \"cursor\" or \"last_id\" is missing: how is "
              "the next page found?"});
    CHECK(wrong_field("paginate: {type: link, next_url: $.n}") ==
          Lines{"7:15: \"type\" and \"next_url\" exclude each other"});
    CHECK(wrong_field("paginate: {type: link, max_pages: 0}") ==
          Lines{"7:39: \"max_pages\" must be a whole number from 1 to 1048575, not \"0\""});
    CHECK(wrong_field("paginate: {type: link, max_pages: many}") ==
          Lines{"7:39: \"max_pages\" must be a whole number from 1 to 1048575, not \"many\""});
    CHECK(wrong_field("max_pages: 1048576") ==
          Lines{"7:16: \"max_pages\" must be a whole number from 1 to 1048575, not \"1048576\""});
    CHECK(wrong_field("on_max: stop") ==
          Lines{"7:13: \"on_max\" must be \"stuck\", \"truncated\" or \"split\", not \"stop\""});
    CHECK(wrong_field("paginate: {page: {size: 5}}") ==
          Lines{"7:22: \"size\" needs \"size_param\""});
    CHECK(wrong_field("paginate: {page: {size_param: n}}") ==
          Lines{"7:22: \"size_param\" needs \"size\""});
    CHECK(wrong_field("paginate: {offset: {limit_param: n}}") ==
          Lines{"7:24: \"limit_param\" needs \"limit\""});
    CHECK(wrong_field("paginate: {cursor: {into: query.a}}") ==
          Lines{"7:24: \"next\" is missing: where is the token?"});
    CHECK(wrong_field("paginate: {cursor: {next: $.c, into: after}}") ==
          Lines{"7:42: \"into\" must be query.NAME or body.PATH, not \"after\""});
}

TEST_CASE("wrong: foreach", "[wrong_files]") {
    CHECK(wrong_foreach("5") ==
          Lines{"5:14: \"foreach\" must be a map such as {list: [1, 2], as: id}, or a list of these"});
    CHECK(wrong_foreach("{}") == Lines{"5:14: \"list\", \"range\", \"stream\" or \"table\" is missing"});
    CHECK(wrong_foreach("{list: [], as: id}") ==
          Lines{"5:21: \"list\" must be a list with entries in it"});
    CHECK(wrong_foreach("{list: [1, 2]}") ==
          Lines{"5:22: \"as\" is missing: what is a value of \"list\" called in {placeholders}?"});
    CHECK(wrong_foreach("{list: [{a: [1]}]}") ==
          Lines{"5:23: \"a\" must be a value: maps in \"list\" are flat"});
    CHECK(wrong_foreach("{list: [{a: 1}], as: id}") ==
          Lines{"5:22: \"as\" is for lists of plain values: the values of a map are {list.NAME}"});
    CHECK(wrong_foreach("{list: [[1]], as: id}") ==
          Lines{"5:22: an entry of \"list\" must be a value or a flat map"});
    CHECK(wrong_foreach("{list: [{}]}") == Lines{"5:22: an entry of \"list\" is empty"});
    CHECK(wrong_foreach("{list: [1], as: id, where: x}") ==
          Lines{"5:14: \"where\" is for \"stream\" and \"table\" only"});
}

TEST_CASE("wrong: parents", "[wrong_files]") {
    const auto with_parent = [](const std::string& foreach_text, const std::string& path = "/a") {
        return wrong_file(
            "source: s\nbase_url: https://api.test\nstreams:\n"
            "  repos: {path: /r, emit: {table: repo, key: id, set: {id: $.id, login: $.l}}}\n"
            "  users: {path: /u, emit: {table: person, set: {name: $.n}}}\n"
            "  open: {path: /o, key: id}\n"
            "  a:\n    foreach: " +
            foreach_text + "\n    path: \"" + path + "\"\n    key: id\n");
    };
    CHECK(with_parent("{stream: repo}") ==
          Lines{"8:23: there is no stream \"repo\" (did you mean \"repos\"?)"});
    CHECK(
        with_parent("{table: repos}") ==
        Lines{"8:22: no stream of this file emits into table \"repos\" (did you mean \"repo\"?)"});
    CHECK(with_parent("{stream: repos, table: person}") ==
          Lines{"8:37: stream \"repos\" does not emit into table \"person\""});
    CHECK(with_parent("{stream: users}") ==
          Lines{"8:14: \"key\" is missing: the rows asked for have no primary key"});
    CHECK(with_parent("{stream: users, key: name}").empty());
    CHECK(with_parent("{stream: repos, key: [id, logn]}") ==
          Lines{"8:35: the rows asked for have no column \"logn\" (did you mean \"login\"?)"});
    CHECK(with_parent("{stream: repos, key: \"{lower(lgin)}\"}") ==
          Lines{"8:35: the rows asked for have no column \"lgin\" (did you mean \"login\"?)"});
    CHECK(with_parent("{stream: repos}", "/x/{lgin}") ==
          Lines{"9:11: the rows asked for have no column \"lgin\" (did you mean \"login\"?)"});
    CHECK(with_parent("{stream: repos}", "/x/{parent.nope}") ==
          Lines{"9:11: the rows asked for have no column \"nope\""});
    CHECK(with_parent("{stream: repos}", "/x/{list.id}") ==
          Lines{"9:11: {list.id} refers to nothing: \"foreach\" has no list"});
    CHECK(with_parent("{stream: open}", "/x/{anything}").empty());
    CHECK(with_parent("{stream: repos, as: r}") == Lines{"8:14: \"as\" is for \"list\" and \"range\" only"});
}

TEST_CASE("wrong: streams that wait for each other", "[wrong_files]") {
    CHECK(wrong_file("source: s\nbase_url: https://api.test\nstreams:\n"
                "  a: {foreach: {stream: c}, path: /a, key: id}\n"
                "  b: {foreach: {stream: a}, path: /b, key: id}\n"
                "  c: {foreach: {stream: b}, path: /c, key: id}\n"
                "  d: {foreach: {stream: c}, path: /d, key: id}\n"
                "  e: {foreach: {stream: e}, path: /e, key: id}\n") ==
          Lines{"4:25: streams wait for each other: a → c → b → a",
                "8:25: streams wait for each other: e → e"});
}

TEST_CASE("wrong: a key of partitions that Postgres cannot make", "[wrong_files]") {
    const auto keyed = [](const std::string& key) {
        return wrong_file("source: s\nbase_url: https://api.test\nstreams:\n  a: {path: /a, key: id}\n"
                          "  b: {foreach: {stream: a, key: \"" + key + "\"}, path: \"/b/{id}\", key: id}\n");
    };
    CHECK(keyed("x/{lower(login)}/{trim(parent.name)}").empty());
    CHECK(keyed("x/{sha256(login)}") ==
          Lines{"5:36: \"key\": {sha256(login)} is more than lower(), upper() or trim() of a column"});
    CHECK(keyed("{a ?? b}") == Lines{"5:34: \"key\": {a ?? b} is more than lower(), upper() or trim() of a column"});
}

TEST_CASE("wrong: placeholders that refer to nothing", "[wrong_files]") {
    CHECK(wrong_stream("    path: /{id}\n    key: id\n") ==
          Lines{"5:11: {id} refers to nothing: the stream has no \"foreach\""});
    CHECK(wrong_stream("    url: \"https://h/{id}\"\n    key: id\n") ==
          Lines{"5:10: {id} refers to nothing: the stream has no \"foreach\""});
    CHECK(wrong_foreach("{list: [1], as: id}", "/{di}") ==
          Lines{"6:11: the entries of \"list\" have no \"di\" (did you mean \"id\"?)"});
    CHECK(wrong_foreach("{list: [1], as: id}", "/{parent.id}") ==
          Lines{"6:11: {parent.id} refers to nothing: the stream has no parent"});
    CHECK(wrong_foreach("{list: [{url: a}, {uri: b}]}", "/{list.url}") ==
          Lines{"5:32: this entry has no \"url\""});
    CHECK(wrong_foreach("{list: [{url: a}, {uri: b}]}", "/{list.url ?? list.uri}").empty());
    CHECK(wrong_foreach("{list: [{url: a}, {uri: b}]}", "/{list.url ?? list.ur}") ==
          Lines{"6:11: the entries of \"list\" have no \"ur\" (did you mean \"uri\"?)"});
    CHECK(wrong_stream("    path: /{add(page, 1)}\n    key: id\n") ==
          Lines{"5:11: {page} refers to nothing: the stream has no \"foreach\""});
    CHECK(wrong_stream("    path: \"/{format_time(now(), '%Y')}\"\n    key: id\n").empty());
    CHECK(wrong_stream("    path: /a\n    key: id\n    query: {q: \"{x}\"}\n") ==
          Lines{"7:16: {x} refers to nothing: the stream has no \"foreach\""});
    CHECK(wrong_stream("    path: /a\n    key: id\n    headers: {h: \"{x}\"}\n") ==
          Lines{"7:18: {x} refers to nothing: the stream has no \"foreach\""});
    CHECK(wrong_emit("{table: t, key: id, set: {id: parent.id}}") ==
          Lines{"5:5: {parent.id} refers to nothing: the stream has no \"foreach\""});
}

TEST_CASE("wrong: records", "[wrong_files]") {
    CHECK(
        wrong_field("decode: jsn") ==
        Lines{
            "7:13: \"decode\" must be \"json\", \"jsonl\", \"csv\", \"xml\" or \"text\", not \"jsn\" (did you mean \"json\"?)"});
    CHECK(wrong_field("decode: text") ==
          Lines{"5:5: \"records\" is missing: text needs records: {match: …}"});
    CHECK(wrong_field("records: {match: \"(?<a>b)\"}") ==
          Lines{"7:14: \"split\" and \"match\" need \"decode: text\""});
    CHECK(wrong_field("decode: text\n    records: {split: \"(?<a>b)\"}") ==
          Lines{"8:14: \"match\" is missing: what is a record?"});
    CHECK(wrong_field("decode: text\n    records: {match: \"abc\"}") ==
          Lines{"8:22: \"match\" has no named group: (?<name>…) makes a field"});
    const Lines broken = wrong_field("decode: text\n    records: {match: \"(?<a>b\"}");
    REQUIRE(broken.size() == 1);
    CHECK(broken[0].find("\"match\" is not a regular expression: ") != std::string::npos);
    CHECK(wrong_field("decode: text\n    records: $.x") ==
          Lines{"8:14: \"records\" must be a map, not \"$.x\""});
}

TEST_CASE("wrong: how a body is decoded", "[wrong_files]") {
    CHECK(wrong_field("decode: {}") == Lines{"7:13: \"decode\" is empty"});
    CHECK(wrong_field("decode: [csv]") ==
          Lines{"7:13: \"decode\" must be \"json\", \"jsonl\", \"csv\", \"xml\" or \"text\", not a list"});
    CHECK(wrong_field("decode: {cvs: {}}") == Lines{"7:14: unknown key \"cvs\" (did you mean \"csv\"?)"});
    CHECK(wrong_field("decode: {csv: {}, xml: {}}") == Lines{"7:13: \"csv\" and \"xml\" exclude each other"});
    CHECK(wrong_field("decode: {csv: x}") == Lines{"7:19: \"csv\" must be a map, not \"x\""});
    CHECK(wrong_field("decode: {csv: {delimeter: \";\"}}") ==
          Lines{"7:20: unknown key \"delimeter\" (did you mean \"delimiter\"?)"});
    CHECK(wrong_field("decode: {csv: {delimiter: ab}}") ==
          Lines{"7:31: \"delimiter\" must be one character of ASCII, not \"ab\""});
    CHECK(wrong_field("decode: {csv: {delimiter: \"\\n\"}}").size() == 1);
    CHECK(wrong_field("decode: {csv: {quote: \",\"}}") ==
          Lines{"7:19: \"delimiter\" and \"quote\" are the same character"});
    CHECK(wrong_field("decode: {csv: {header: a}}") == Lines{"7:28: \"header\" must be a list of names, not \"a\""});
    CHECK(wrong_field("decode: {csv: {header: []}}") == Lines{"7:28: \"header\" is empty"});
    CHECK(wrong_field("decode: {csv: {header: [a, b, a]}}") == Lines{"7:35: \"header\" holds \"a\" twice"});
    CHECK(wrong_field("decode: {csv: {header: [a, \"\"]}}") == Lines{"7:32: \"header\" is empty"});
    CHECK(wrong_field("decode: {csv: {skip: -1}}") ==
          Lines{"7:26: \"skip\" must be a whole number from 0 to 1000000, not \"-1\""});
    CHECK(wrong_field("decode: {xml: {lists: item}}") == Lines{"7:27: \"lists\" must be a list of names, not \"item\""});
}

TEST_CASE("wrong: records that are rows or elements", "[wrong_files]") {
    CHECK(wrong_field("records: {}") == Lines{"7:14: \"records\" is a path such as $.items[*], or {rows: …, columns: …}"});
    CHECK(wrong_field("records: {rows: $.rows}") == Lines{"7:14: \"columns\" is missing: what are their values called?"});
    CHECK(wrong_field("records: {columns: [a]}") == Lines{"7:14: \"rows\" is missing: where are the records?"});
    CHECK(wrong_field("records: {rows: $.rows, columns: [a, a]}") == Lines{"7:42: \"columns\" holds \"a\" twice"});
    CHECK(wrong_field("records: {rows: $.rows, columns: $.}").size() == 1);
    CHECK(wrong_field("decode: csv\n    records: {rows: $, columns: [a]}") ==
          Lines{"8:14: \"rows\" and \"columns\" are for json and jsonl"});
    CHECK(wrong_field("records: {element: item}") == Lines{"7:14: \"element\" needs \"decode: xml\""});
    CHECK(wrong_field("decode: xml\n    records: {element: item, rows: $}") ==
          Lines{"8:14: \"element\" and \"rows\" exclude each other"});
    CHECK(wrong_field("decode: text\n    records: {match: \"(?<a>b)\", element: x}") ==
          Lines{"8:42: \"element\" is not for text: it has \"match\""});
    CHECK(wrong_field("decode: csv\n    records: {match: \"(?<a>b)\"}") ==
          Lines{"8:14: \"split\" and \"match\" need \"decode: text\""});
}

TEST_CASE("wrong: emits", "[wrong_files]") {
    CHECK(
        wrong_emit("[]") ==
        Lines{
            "6:11: \"emit\" must be a map such as {table: …, key: …, set: …}, or a list of these"});
    CHECK(wrong_emit("[t]") ==
          Lines{"6:12: an entry of \"emit\" must be a map such as {table: …, key: …, set: …}"});
    CHECK(wrong_emit("{key: id}") == Lines{"6:11: \"table\" is missing"});
    CHECK(wrong_emit("{table: t, key: id, set: {}}") == Lines{"6:36: \"set\" is empty"});
    CHECK(wrong_emit("{table: t, key: idd, set: {id: $.id}}") ==
          Lines{"6:27: key column \"idd\" is not in \"set\" (did you mean \"id\"?)"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id}, merge: newest}") ==
          Lines{"6:11: \"newest\" is missing: which value says how new a row is?"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id}, newest: $.x}") ==
          Lines{"6:56: \"newest\" needs \"merge: newest\" or \"merge: history\""});
    CHECK(wrong_emit("{table: t, set: {id: $.id}, merge: fill_null}") ==
          Lines{"6:46: \"merge\" needs \"key\": a table without one is replaced as a whole"});
    CHECK(
        wrong_emit("{table: t, key: id, merge: replace, set: {id: $.id}}") ==
        Lines{
            "6:38: \"merge\" must be \"overwrite\", \"newest\", \"fill_null\", \"append\" or \"history\", not \"replace\""});
    CHECK(wrong_stream("    path: /a\n    key: id\n    emit: {table: t, key: id}\n") ==
          Lines{"6:10: \"key\" belongs into \"emit\" here"});
    CHECK(wrong_file("source: s\nbase_url: https://api.test\nstreams:\n"
                "  a: {path: /a, emit: {table: t, key: id, set: {id: $.id}}}\n"
                "  b: {path: /b, emit: [{table: t, key: [id, n], set: {id: $.id, n: $.n}}]}\n") ==
          Lines{"5:40: table \"t\" has key [id, n] here and key [id] in stream \"a\""});
}

TEST_CASE("wrong: types of columns", "[wrong_files]") {
    const std::string types =
        "must be a type: boolean, bigint, numeric, double precision, date, timestamptz, uuid, text or jsonb; not ";
    CHECK(wrong_field("columns: bigint") == Lines{"7:14: \"columns\" must be a map, not \"bigint\""});
    CHECK(wrong_field("columns: {}") == Lines{"7:14: \"columns\" is empty"});
    CHECK(wrong_field("columns: {id: bigin}") == Lines{"7:19: \"id\" " + types + "\"bigin\" (did you mean \"bigint\"?)"});
    CHECK(wrong_field("columns: {id: [bigint]}") == Lines{"7:19: \"id\" " + types + "a list or map"});
    CHECK(wrong_field("columns: {_pawl_page: bigint}") == Lines{"7:15: \"_pawl_page\" cannot be the name of a column"});
    CHECK(wrong_stream("    path: /a\n    emit: {table: t, key: id}\n    columns: {id: bigint}\n") ==
          Lines{"7:14: \"columns\" is for the short form (with \"emit\", types stand in \"set\": stars: \"$.stars as "
                "bigint\")"});
    CHECK(wrong_field("columns: {id: bigint, createdAt: timestamp, 'odd name': json}").empty());
}

TEST_CASE("wrong: append", "[wrong_files]") {
    const std::string no_key =
        "\"key\" has no place beside \"merge: append\": every record is a row of its own (take \"key\" away to append, or "
        "\"merge\" to keep one row per key)";
    CHECK(wrong_emit("{table: t, key: id, merge: append, set: {id: $.id}}") == Lines{"6:27: " + no_key});
    CHECK(wrong_field("merge: append") == Lines{"6:10: " + no_key});
    CHECK(wrong_emit("{table: t, merge: append, set: {id: $$.id}, replace_by: id}") ==
          Lines{"6:67: \"replace_by\" has no place beside \"merge: append\": its rows are never taken away"});
    CHECK(wrong_emit("{table: t, merge: append, set: {id: $.id}, newest: $.x}") ==
          Lines{"6:62: \"newest\" needs \"merge: newest\" or \"merge: history\""});
    CHECK(wrong_emit("[{table: t, merge: append, set: {id: $.id}}, {table: t, set: {id: $.id}}]") ==
          Lines{"6:56: table \"t\" is replaced as a whole here and appended to in stream \"a\""});
    CHECK(wrong_emit("{table: t, merge: append, set: {id: $.id}}").empty());
    CHECK(wrong_stream("    path: /a\n    merge: append\n").empty());
}

TEST_CASE("wrong: history", "[wrong_files]") {
    CHECK(wrong_emit("{table: t, set: {id: $.id}, merge: history}") ==
          Lines{"6:46: \"merge\" needs \"key\": a table without one is replaced as a whole"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id}, merge: {history: no}}") ==
          Lines{"6:65: \"history\" must be true, or not be there"});
    CHECK(wrong_emit("{table: t, key: id, merge: history, set: {id: $.id, valid_to: $.end}}") ==
          Lines{"6:63: \"merge: history\" fills \"valid_to\" itself"});
    CHECK(wrong_stream("    path: /a\n    key: id\n    columns: {valid_from: date}\n    merge: history\n") ==
          Lines{"7:15: \"merge: history\" fills \"valid_from\" itself"});
    CHECK(wrong_emit("[{table: t, key: id, merge: history, set: {id: $.id}}, {table: t, key: id, set: {id: $.id}}]") ==
          Lines{"6:66: table \"t\" keeps history, and stream \"a\" writes it as well: one \"emit\" owns all of a row"});
    CHECK(wrong_emit("{table: t, key: id, merge: history, absent: delete, set: {id: $.id}}") ==
          Lines{"6:55: with history nothing is deleted: \"absent: mark\" ends the row that is absent"});
    CHECK(wrong_file("source: s\nbase_url: https://api.test\nstreams:\n"
                     "  a: {path: /a, emit: {table: t, key: id, merge: history, set: {id: $.id}}}\n"
                     "  b: {path: \"/{id}\", foreach: {table: t}, key: id}\n") ==
          Lines{"5:31: \"key\" is missing: a table with history has several rows of one key (such as key: id, where: \"valid_to "
                "is null\")"});
    for (const char* merge : {"history", "{history: true}", "{history: true, newest: $.at}", "history, newest: $.at"})
        CHECK(wrong_emit("{table: t, key: id, set: {id: $.id}, merge: " + std::string(merge) + "}").empty());
}

TEST_CASE("wrong: absent", "[wrong_files]") {
    CHECK(wrong_field("absent: gone") ==
          Lines{"7:13: \"absent\" must be \"keep\", \"mark\" or \"delete\", not \"gone\""});
    CHECK(wrong_emit("{table: t, set: {id: $.id}, absent: mark}") ==
          Lines{"6:47: \"absent\" needs \"key\": a table without one is replaced as a whole"});
    CHECK(wrong_emit("{table: t, merge: append, set: {id: $.id}, absent: mark}") ==
          Lines{"6:62: \"absent\" has no place beside \"merge: append\": its rows are never taken away"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $$.id}, replace_by: id, absent: keep}") ==
          Lines{"6:73: \"absent: keep\" and \"replace_by\" exclude each other"});
    CHECK(wrong_emit("[{table: t, key: id, absent: mark, set: {id: $.id}}, {table: t, key: id, absent: delete, set: {id: $.id}}]") ==
          Lines{"6:92: of table \"t\" something else says already what is absent"});
    const std::string which = "\"absent\" needs \"replace_by\" in a stream with \"foreach\": which rows does one walk stand for?";
    CHECK(wrong_foreach("{list: [1], as: id}\n    absent: mark") == Lines{"6:13: " + which + " (\"replace_by\" is a key of \"emit\")"});
    CHECK(wrong_stream("    path: \"/{id}\"\n    foreach: {list: [1], as: id}\n"
                       "    emit: [{table: t, key: id, absent: delete, set: {id: $.id}}]\n") == Lines{"7:40: " + which});
    CHECK(wrong_field("absent: mark").empty());
    CHECK(wrong_field("absent: mark\n    incremental: {since: {field: $.t, into: query.s}}") ==
          Lines{"8:26: table \"a\" has \"absent\", and an incremental walk does not see all of its rows"});
    CHECK(wrong_stream("    path: /a\n    key: id\n    absent: mark\n    emit: {table: t}\n") ==
          Lines{"6:10: \"key\" belongs into \"emit\" here", "7:13: \"absent\" belongs into \"emit\" here"});
}

TEST_CASE("wrong: replace_by", "[wrong_files]") {
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id}, replace_by: [id]}") ==
          Lines{"6:60: \"replace_by\" names \"id\", which differs from record to record: $.id (it "
                "must be known for the page as a whole: from $$, parent or list)"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id}, replace_by: [nope]}") ==
          Lines{"6:60: \"replace_by\" names \"nope\", which is not in \"set\""});
    CHECK(wrong_emit("{table: t, key: id, replace_by: id}") ==
          Lines{"6:43: \"replace_by\" needs \"set\""});
    CHECK(wrong_emit("{table: t, set: {id: $$.id}, replace_by: id}") ==
          Lines{"6:52: \"replace_by\" needs \"key\": a table without one is replaced as a whole"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $$.id}, replace_by: id}").empty());
}

TEST_CASE("wrong: expressions are told with the column inside them", "[wrong_files]") {
    const Lines lines = wrong_emit("{table: t, key: id, set: {id: \"$.a[\", n: $.n}}");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("6:"));
    CHECK(lines[0].find(": \"id\": ") != std::string::npos);
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id, n: \"match($.n, 'a')\", m: \"match($.m, 'x(')\"}}").size() == 1);
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id, n: \"$.n[*]\"}}") ==
          Lines{"6:50: \"n\" must be one value: $.n[*] yields records, for \"each\""});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id, n: entries($)}}") ==
          Lines{"6:50: \"n\" must be one value: entries($) yields records, for \"each\""});
    CHECK(wrong_emit("{table: t, key: id, each: \"split($.a, ',')\"}") ==
          Lines{"6:37: the parts of split() need \"set\": they are $, without fields"});
    CHECK(wrong_emit("{table: t, key: id, each: \"split($.a, ',')\", set: {id: $}}").empty());
    CHECK(wrong_field("records: \"split($.a, ',')\"") ==
          Lines{"7:14: split() is for \"each\": \"records\" is a path such as $.items[*]"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id, n: [1]}}") ==
          Lines{"6:50: \"n\" must be text, not a list"});
    CHECK(wrong_emit("{table: t, key: id, set: {id: $.id, n: }}") ==
          Lines{"6:47: \"n\" has no value"});
}

TEST_CASE("wrong: conditional and refresh", "[wrong_files]") {
    CHECK(wrong_field("conditional: yes") ==
          Lines{"7:18: \"conditional\" must be \"none\", \"etag\" or \"etag_per_owner\", not \"yes\""});
    CHECK(wrong_field("refresh: monthly") ==
          Lines{"7:14: \"refresh\" must be a duration such as 500ms, 30s, 15m, 6h or 30d, not "
                "\"monthly\""});
}

TEST_CASE("wrong: tables and schedule", "[wrong_files]") {
    CHECK(wrong_head("tables: {schema: pawl}\n") ==
          Lines{"3:18: schema \"pawl\" is not for tables of a source (choose another: tables: "
                "{schema: …})"});
    CHECK(wrong_file("source: pawl\nstreams: {a: {url: \"https://h/\", key: id}}\n") ==
          Lines{"1:9: schema \"pawl\" is not for tables of a source (choose another: tables: "
                "{schema: …})"});
    CHECK(wrong_head("tables: {create: NO}\n") ==
          Lines{"3:18: \"create\" must be true or false, not \"NO\""});
    CHECK(wrong_head("schedule: {}\n") ==
          Lines{"3:11: \"every\" or \"cron\" is missing: when does it fire?"});
    CHECK(wrong_head("schedule: {every: 6h, cron: \"0 3 * * *\"}\n") ==
          Lines{"3:11: \"every\" and \"cron\" exclude each other"});
    CHECK(wrong_head("schedule: {every: 10ms}\n") == Lines{"3:19: \"every\" must be at least 1s"});
    CHECK(wrong_head("schedule: {cron: \"0 25 * * *\"}\n") ==
          Lines{"3:18: \"25\" is not the hour of a cron line (0 to 23)"});
    CHECK(wrong_head("schedule: {cron: \"0 0 30 2 *\"}\n") ==
          Lines{"3:18: \"0 0 30 2 *\" is a date that never comes"});
    CHECK(wrong_head("schedule: {cron: \"0 3 * * *\", timezone: Asia/Soul}\n") ==
          Lines{"3:41: \"Asia/Soul\" is not a time zone such as Asia/Seoul"});
    CHECK(wrong_head("schedule: {every: 6h, timezone: Asia/Seoul}\n") ==
          Lines{"3:11: \"timezone\" is for \"cron\" only"});
    CHECK(wrong_head("schedule: {every: 6h, streams: [b]}\n") ==
          Lines{"3:32: there is no stream \"b\""});
}

TEST_CASE("wrong: a key without a value is told once", "[wrong_files]") {
    CHECK(wrong_field("paginate: {cursor: {next: , into: query.a}}") ==
          Lines{"7:25: \"next\" has no value"});
    CHECK(wrong_field("paginate:") == Lines{"7:5: \"paginate\" has no value"});
    CHECK(wrong_head("limits: [{name: a, rate: 5/h, match: }]\n") ==
          Lines{"3:31: \"match\" has no value"});
    CHECK(wrong_head("auth: {basic: {user: , password: some-word}}\n") ==
          Lines{"3:16: \"user\" has no value"});
}

TEST_CASE("wrong: a missing variable is told once, and nothing follows from it", "[wrong_files]") {
    CHECK(
        wrong_file(
            "source: s\nbase_url: ${GITHUB_API}\nstreams: {a: {url: \"https://h/\", key: id}}\n") ==
        Lines{"2:11: variable GITHUB_API is not set (set it, or give a default: "
              "${GITHUB_API:-default})"});
    CHECK(wrong_field("max_pages: ${MAX}").size() == 1);
    CHECK(wrong_emit("{table: \"${T}\", key: id}").size() == 1);
}

TEST_CASE("wrong: all problems of a file are told at once, in its order", "[wrong_files]") {
    const Lines lines =
        wrong_file("source: S\nbase_url: nowhere\nlimits: [{}]\nstreams:\n  a: {path: a}\n");
    CHECK(lines.size() >= 6);
    CHECK(lines.front().starts_with("1:9: "));
    CHECK(lines.back().starts_with("5:"));
}
