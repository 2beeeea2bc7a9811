#include "core/source_parser.hpp"

#include <set>

#include "core/redact.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

SourceFile parse(std::string_view text, const std::map<std::string, std::string>& env = {}) {
    return parse_source_text(text, "test.yaml", env);
}

/// A file with one stream `a`, given the lines of that stream (indented by 4).
Stream parse_stream(const std::string& lines) {
    return parse("source: s\nbase_url: https://api.test\nstreams:\n  a:\n" + lines).streams.front();
}

}  // namespace

TEST_CASE("parts of foreach are combined", "[source_parser]") {
    const auto source = pawl::core::parse_source_text(
        "source: t\nbase_url: https://h\nstreams:\n  a:\n    foreach: [{list: [{x: 1}, {x: 12345678901234567890}]}, {range: {from: 5, to: 9, "
        "step: 2}, as: id}]\n    path: /{x}/{id}-{end}\n    key: id\n",
        "t.yaml", {});
    const auto& foreach_ = source.streams[0].foreach_;
    CHECK(foreach_.kind == Foreach::Kind::list);
    REQUIRE(foreach_.entries() == 6);
    CHECK(foreach_.entry(0) == R"({"x": 1, "id": 5, "end": 6})");
    CHECK(foreach_.entry(2) == R"({"x": 1, "id": 9, "end": 9})");
    CHECK(foreach_.entry(4) == R"({"x": 12345678901234567890, "id": 7, "end": 8})");
}

TEST_CASE("each word for drift is what it says", "[source]") {
    const auto drift = [](const std::string& word) {
        return parse("source: s\nstreams: {a: {url: \"https://h/\", key: id}}\ntables: {drift: " + word + "}\n").drift;
    };
    CHECK(drift("freeze") == SourceFile::Drift::freeze);
    CHECK(drift("add_columns") == SourceFile::Drift::add_columns);
    CHECK(drift("overflow") == SourceFile::Drift::overflow);
}

TEST_CASE("the smallest useful file is read", "[source]") {
    const SourceFile source = parse(R"(source: hn
base_url: https://hacker-news.firebaseio.com/v0
streams:
  story:
    foreach: {list: [8863, 121003, 2921983], as: id}
    path: /item/{id}.json
    key: id
)");
    CHECK(source.name == "hn");
    CHECK(source.file == "test.yaml");
    CHECK(source.schema == "hn");
    CHECK(source.create_tables);
    CHECK(source.drift == SourceFile::Drift::add_columns);
    CHECK_FALSE(source.credentials);
    CHECK_FALSE(source.schedule.every);
    REQUIRE(source.streams.size() == 1);
    const Stream& story = source.streams.front();
    CHECK(story.foreach_.kind == Foreach::Kind::list);
    CHECK(story.foreach_.factors[0].list ==
          Names{R"({"id": 8863})", R"({"id": 121003})", R"({"id": 2921983})"});
    CHECK(story.url.text() == "https://hacker-news.firebaseio.com/v0/item/{id}.json");
    CHECK(story.paginate.kind == Pagination::Kind::none);
    CHECK(story.decode == Stream::Decode::json);
    CHECK(story.scheduled);
    CHECK(story.parent_columns.empty());
    REQUIRE(story.emits.size() == 1);
    CHECK(story.emits[0].table == "story");
    CHECK(story.emits[0].key == Names{"id"});
    CHECK(story.emits[0].infer);
    CHECK(source.find("story") == &story);
    CHECK(source.find("nobody") == nullptr);
}

TEST_CASE("list entries keep numbers digit for digit", "[source]") {
    const Stream plain = parse_stream(
        "    foreach: {list: [5, \"5\", 12345678901234567890123, 1e400, 007, yes, 5], as: id}\n"
        "    path: /{id}\n    key: id\n");
    CHECK(plain.foreach_.factors[0].list == Names{R"({"id": 5})", R"({"id": "5"})",
                                       R"({"id": 12345678901234567890123})", R"({"id": 1e400})",
                                       R"({"id": "007"})", R"({"id": "yes"})"});
    const Stream maps = parse_stream(
        "    foreach: {list: [{n: 1.50, name: \"a\\\"b\"}, {n: -2, name: ü}]}\n"
        "    path: /{n}/{list.name}\n    key: id\n");
    CHECK(maps.foreach_.factors[0].list ==
          Names{R"({"n": 1.50, "name": "a\"b"})", R"({"n": -2, "name": "ü"})"});
}

TEST_CASE("credentials say where keys are and where they go", "[source]") {
    const auto with = [](const std::string& credentials) {
        return parse("source: s\ncredentials: " + credentials +
                     "\nstreams: {a: {url: \"http://h/\", key: id}}\n");
    };
    const SourceFile dir =
        with("{from: {dir: github}, inject: {header: X-Key, value: \"k {key}\"}}");
    REQUIRE(dir.credentials);
    CHECK(dir.credentials->from == Credentials::From::dir);
    CHECK(dir.credentials->name == "github");
    CHECK(dir.credentials->inject_header == "x-key");
    CHECK(dir.credentials->inject_value.fill("key", "1") == "k 1");
    const SourceFile env = with("{from: {env: TOKENS}}");
    CHECK(env.credentials->from == Credentials::From::env);
    CHECK(env.credentials->inject_header == "authorization");
    CHECK(env.credentials->inject_value.fill("key", "1") == "Bearer 1");
    const SourceFile query = with("{from: {file: keys.txt}, inject: {query: api_key}}");
    CHECK(query.credentials->from == Credentials::From::file);
    CHECK(query.credentials->inject_query == "api_key");
    CHECK(query.credentials->inject_header.empty());
    CHECK(query.credentials->inject_value.fill("key", "1") == "1");
}

TEST_CASE("fixed credentials are secrets", "[source]") {
    const auto with = [](const std::string& auth) {
        return parse("source: s\nauth: " + auth + "\nstreams: {a: {url: \"http://h/\", key: id}}\n",
                     {{"TOKEN", "token-from-env"}})
            .auth.value();
    };
    const Auth bearer = with("{bearer: \"${TOKEN}\"}");
    CHECK(bearer.kind == Auth::Kind::bearer);
    CHECK(bearer.token == "token-from-env");
    const Auth basic = with("{basic: {user: me, password: basic-password}}");
    CHECK(basic.kind == Auth::Kind::basic);
    CHECK(basic.user == "me");
    CHECK(basic.password == "basic-password");
    const Auth header = with("{api_key: {header: X-Api-Key, value: api-key-one}}");
    CHECK(header.kind == Auth::Kind::api_key);
    CHECK(header.header == "x-api-key");
    const Auth query = with("{api_key: {query: key, value: api-key-two}}");
    CHECK(query.query == "key");
    CHECK(query.token == "api-key-two");
    CHECK(redact("token-from-env basic-password api-key-one api-key-two") == "*** *** *** ***");
}

TEST_CASE("limits and feedback are read", "[source]") {
    const SourceFile source = parse(R"(source: s
limits:
  - {name: core, rate: 5000/h, reserve: 5%}
  - {name: search, match: "/search/**", rate: 100/15m, burst: 10, reserve: 0.5}
  - {name: open, per: source, concurrency: 60}
feedback:
  limit: X-RateLimit-Limit
  remaining: x-ratelimit-remaining
  reset: {header: x-ratelimit-reset, format: delta}
  resource: {header: x-ratelimit-resource, core: core, code_search: search}
  free: [304, 404]
streams: {a: {url: "http://h/", key: id}}
)");
    REQUIRE(source.limits.size() == 3);
    CHECK(source.limits[0].match == "/**");
    CHECK(source.limits[0].per == Limit::Per::owner);
    CHECK(source.limits[0].count == 5000);
    CHECK(source.limits[0].period == 1h);
    CHECK_THAT(source.limits[0].reserve, Catch::Matchers::WithinAbs(0.05, 1e-12));
    CHECK(source.limits[0].burst == 0);
    CHECK(source.limits[1].match == "/search/**");
    CHECK(source.limits[1].period == 15min);
    CHECK(source.limits[1].burst == 10);
    CHECK(source.limits[2].per == Limit::Per::source);
    CHECK(source.limits[2].concurrency == 60);
    CHECK(source.limits[2].count == 0);
    CHECK(source.feedback.limit == "x-ratelimit-limit");
    CHECK(source.feedback.reset == "x-ratelimit-reset");
    CHECK(source.feedback.reset_format == Feedback::ResetFormat::delta);
    CHECK(source.feedback.retry_after == "retry-after");
    CHECK(source.feedback.resource == "x-ratelimit-resource");
    CHECK(source.feedback.resource_names ==
          std::map<std::string, std::string>{{"core", "core"}, {"code_search", "search"}});
    CHECK(source.feedback.free == std::set<int>{304, 404});
}

TEST_CASE("the file's error rules come before the defaults", "[source]") {
    const SourceFile source = parse(R"(source: s
errors:
  - {status: [403, 5xx], header: {X-Left: "0"}, body: "slow down", do: rate_limited, wait: 60s..15m, attempts: 3}
  - {status: 404, do: gone, confirm: 2}
streams: {a: {url: "http://h/", key: id}}
)");
    const ErrorRule& first = source.errors.at(0);
    CHECK(first.status == std::vector<std::pair<int, int>>{{403, 403}, {500, 599}});
    CHECK(first.header == "x-left");
    CHECK(first.header_value == "0");
    CHECK(first.body == "slow down");
    CHECK(first.verdict == Verdict::rate_limited);
    CHECK(first.attempts == 3);
    CHECK(first.wait_min == 60s);
    CHECK(first.wait_max == 15min);
    CHECK(source.errors.at(1).confirm == 2);
    CHECK(source.errors.at(2).attempts == 12);
    Names defaults;
    for (std::size_t i = 2; i < source.errors.size(); ++i)
        defaults.push_back(
            std::to_string(source.errors[i].status.front().first) + " " +
            std::string(to_string(source.errors[i].verdict)) +
            (source.errors[i].header.empty() ? "" : " with " + source.errors[i].header));
    CHECK(defaults == Names{"429 rate_limited", "403 rate_limited with retry-after", "401 fail",
                            "410 cursor_expired", "404 gone", "204 empty", "408 retry", "400 fail"});
}

TEST_CASE("a refused key is put aside where there are keys", "[source]") {
    const SourceFile source = parse(
        "source: s\ncredentials: {from: {env: T}}\nstreams: {a: {url: \"http://h/\", key: id}}\n");
    CHECK(source.errors.at(2).verdict == Verdict::quarantine_key);
}

TEST_CASE("all paginators are read", "[source]") {
    const auto with = [](const std::string& paginate) {
        return parse_stream("    path: /a\n    key: id\n    paginate: " + paginate + "\n").paginate;
    };
    CHECK(with("none").kind == Pagination::Kind::none);
    CHECK(with("link").kind == Pagination::Kind::link);
    const Pagination link = with("{type: link, max_pages: 400, on_max: truncated}");
    CHECK(link.kind == Pagination::Kind::link);
    CHECK(link.max_pages == 400);
    CHECK(link.on_max == Pagination::OnMax::truncated);
    const Pagination next = with("{next_url: $.next}");
    CHECK(next.kind == Pagination::Kind::next_url);
    CHECK(next.next->text() == "$.next");
    CHECK(next.max_pages == 100'000);
    CHECK(next.on_max == Pagination::OnMax::stuck);
    const Pagination page =
        with("{page: {param: p, start: 0, size_param: n, size: 50, last: $.pages}}");
    CHECK(page.kind == Pagination::Kind::page);
    CHECK(page.param.query == "p");
    CHECK(page.start == 0);
    CHECK(page.size_param.query == "n");
    CHECK(page.size == 50);
    CHECK(page.last->text() == "$.pages");
    CHECK(with("{page: {}}").param.query == "page");
    const Pagination offset = with("{offset: {limit: 50, total: $.total}}");
    CHECK(offset.kind == Pagination::Kind::offset);
    CHECK(offset.param.query == "offset");
    CHECK(offset.size_param.query == "limit");
    CHECK(offset.size == 50);
    const Pagination cursor = with("{cursor: {next: $.c, into: query.after, more: $.more}}");
    CHECK(cursor.kind == Pagination::Kind::cursor);
    CHECK(cursor.into.query == "after");
    CHECK(cursor.more->text() == "$.more");
}

TEST_CASE("defaults hold for streams that say nothing else", "[source]") {
    const SourceFile source = parse(R"(source: s
base_url: https://api.test/v1/
headers: {Accept: a/b, X-One: "1"}
defaults:
  query: {per_page: 100, sort: id}
  headers: {X-Two: "2"}
  paginate: {type: link, max_pages: 7}
  max_pages: 9
  conditional: etag
  refresh: 30d
streams:
  plain: {path: /a, key: id}
  own:
    path: /b
    key: id
    query: {sort: ~, q: x}
    headers: {accept: c/d, x-one: ~}
    paginate: none
    conditional: none
    refresh: 1h
    max_pages: 3
)");
    const Stream& plain = source.streams.at(0);
    CHECK(plain.url.text() == "https://api.test/v1/a");
    CHECK(plain.paginate.kind == Pagination::Kind::link);
    CHECK(plain.paginate.max_pages == 7);
    CHECK(plain.conditional);
    CHECK(plain.refresh == Micros{720h});
    CHECK(plain.query.size() == 2);
    CHECK(plain.headers.size() == 3);
    const Stream& own = source.streams.at(1);
    CHECK(own.paginate.kind == Pagination::Kind::none);
    CHECK(own.paginate.max_pages == 3);
    CHECK_FALSE(own.conditional);
    CHECK(own.refresh == Micros{1h});
    REQUIRE(own.query.size() == 2);
    CHECK(own.query[0].first == "per_page");
    CHECK(own.query[1].first == "q");
    REQUIRE(own.headers.size() == 2);
    CHECK(own.headers[0].first == "X-Two");
    CHECK(own.headers[1].first == "accept");
    CHECK(own.headers[1].second.text() == "c/d");
}

TEST_CASE("text is split into records by named groups", "[source]") {
    const Stream stream = parse_stream(R"(    path: /a
    decode: text
    records: {split: '^#{2,}\s*(?<section>.+)$', match: 'x/(?<login>[\w.-]+)'}
    emit: {table: t, key: login, set: {login: $.login}}
)");
    CHECK(stream.decode == Stream::Decode::text);
    CHECK(stream.text_records.split == R"(^#{2,}\s*(?<section>.+)$)");
    CHECK(stream.text_records.match == R"(x/(?<login>[\w.-]+))");
}

TEST_CASE("a body may be JSON lines, CSV or XML, with options", "[source]") {
    const auto decoding = [](const std::string& lines) { return parse_stream("    path: /a\n    key: id\n" + lines); };
    CHECK(decoding("    decode: jsonl\n").decode == Stream::Decode::jsonl);
    const Stream plain = decoding("    decode: csv\n");
    CHECK(plain.decode == Stream::Decode::csv);
    CHECK(plain.csv.delimiter == ',');
    CHECK(plain.csv.quote == '"');
    CHECK(plain.csv.header.empty());
    CHECK(decoding("    decode: {csv: {}}\n").mapping_hash == plain.mapping_hash);
    const Stream csv = decoding("    decode: {csv: {delimiter: \"\\t\", quote: none, header: [Ä, b c], skip: 2}}\n");
    CHECK(csv.decode == Stream::Decode::csv);
    CHECK(csv.csv.delimiter == '\t');
    CHECK(csv.csv.quote == 0);
    CHECK(csv.csv.header == Names{"Ä", "b c"});
    CHECK(csv.csv.skip == 2);
    const Stream xml = decoding("    decode: {xml: {lists: [item]}}\n    records: {element: item}\n");
    CHECK(xml.decode == Stream::Decode::xml);
    CHECK(xml.xml.lists == Names{"item"});
    CHECK(xml.records_element == "item");
    const Stream rows = decoding("    records: {rows: $.rows, columns: $.names}\n");
    CHECK(rows.records->text() == "$.rows");
    CHECK(rows.row_columns->path->text() == "$.names");
    CHECK(decoding("    decode: jsonl\n    records: {rows: \"$[*]\", columns: [a, b]}\n").row_columns->names == Names{"a", "b"});
}

TEST_CASE("what a body is decoded by is part of how rows are made, and of no request", "[source]") {
    const auto decoding = [](const std::string& lines) { return parse_stream("    path: /a\n    key: id\n" + lines); };
    std::vector<Stream> streams;
    for (const char* lines :
         {"", "    decode: jsonl\n", "    decode: csv\n", "    decode: {csv: {delimiter: \";\"}}\n", "    decode: {csv: {quote: none}}\n",
          "    decode: {csv: {header: [id]}}\n", "    decode: {csv: {skip: 1}}\n", "    decode: xml\n",
          "    decode: {xml: {lists: [id]}}\n", "    decode: xml\n    records: {element: id}\n", "    records: $.rows\n",
          "    records: {rows: $.rows, columns: [id]}\n", "    records: {rows: $.rows, columns: $.id}\n"})
        streams.push_back(decoding(lines));
    std::set<std::string> hashes;
    for (const Stream& stream : streams) {
        CHECK(hashes.insert(stream.mapping_hash).second);
        CHECK(stream.request_hash == streams[0].request_hash);
    }
}

TEST_CASE("emits are read in both forms", "[source]") {
    const Stream list = parse_stream(R"(    path: /a
    records: $.items[*]
    emit:
      - {table: t, key: [id, kind], set: {id: $.id, kind: $.kind, n: 5}, merge: fill_null}
      - {table: u, each: "$.tags[*]", key: [id, tag], replace_by: id, set: {id: $$.id, tag: $}}
      - {table: v, key: id, set: {id: $.id}, merge: {newest: $.at}}
      - {table: w, key: id, set: {id: $.id}, merge: newest, newest: $.at}
      - {table: x, set: {id: $.id}}
      - {table: y, key: id}
      - {table: z, merge: append, set: {id: $.id}}
)");
    CHECK(list.records->text() == "$.items[*]");
    REQUIRE(list.emits.size() == 7);
    CHECK(list.emits[0].key == Names{"id", "kind"});
    CHECK(list.emits[0].merge == Emit::Merge::fill_null);
    REQUIRE(list.emits[0].columns.size() == 3);
    CHECK(list.emits[0].columns[2].name == "n");
    CHECK(list.emits[0].columns[2].value.text() == "5");
    CHECK_FALSE(list.emits[0].infer);
    CHECK(list.emits[1].each->text() == "$.tags[*]");
    CHECK(list.emits[1].replace_by == Names{"id"});
    CHECK(list.emits[2].merge == Emit::Merge::newest);
    CHECK(list.emits[2].newest->text() == "$.at");
    CHECK(list.emits[3].merge == Emit::Merge::newest);
    CHECK(list.emits[3].newest->text() == "$.at");
    CHECK(list.emits[4].is_replaced_as_a_whole());
    CHECK(list.emits[6].merge == Emit::Merge::append);
    CHECK_FALSE(list.emits[6].is_replaced_as_a_whole());
    CHECK_FALSE(list.emits[6].needs_whole_walks());
    const Stream log = parse_stream("    path: /a\n    merge: append\n");
    CHECK(log.emits.at(0).infer);
    CHECK(log.emits.at(0).merge == Emit::Merge::append);
    CHECK(list.emits[5].infer);
    const Stream map =
        parse_stream("    path: /a\n    emit: {table: t, key: id, set: {id: $.id}}\n");
    CHECK(map.emits.size() == 1);
}

TEST_CASE("a child stream knows what it needs of its parent", "[source]") {
    const SourceFile source = parse(R"(source: s
base_url: https://api.test
streams:
  child:
    foreach: {stream: root, where: "stars > 0", order: stars, key: "{lower(login)}"}
    path: /x/{repo_id}
    query: {q: "{lower(parent.login ?? 'x')}"}
    emit: {table: c, key: [repo_id, at], set: {repo_id: parent.repo_id, stars: parent.stars, at: header.x_total_count}}
  root:
    path: /r
    emit: {table: r, key: repo_id, set: {repo_id: $.id, login: $.l, stars: $.s}}
  more:
    foreach: {table: r, key: [login]}
    path: /m/{login}
    key: id
)");
    const Stream& child = source.streams.at(0);
    CHECK(child.foreach_.kind == Foreach::Kind::stream);
    CHECK(child.foreach_.where == "stars > 0");
    CHECK(child.foreach_.order == "stars");
    CHECK(child.foreach_.key_template->text() == "{lower(login)}");
    CHECK(child.parent_columns == Names{"repo_id", "login", "stars"});
    CHECK(child.header_names == Names{"x-total-count"});
    CHECK_FALSE(child.scheduled);
    CHECK(source.streams.at(1).scheduled);
    CHECK(source.streams.at(2).foreach_.kind == Foreach::Kind::table);
    CHECK(source.streams.at(2).foreach_.key_columns == Names{"login"});
}

TEST_CASE("tables and schedule are read", "[source]") {
    const SourceFile source = parse(R"(source: s
streams:
  a: {url: "http://h/", key: id}
  b: {url: "http://h/", key: id}
tables: {schema: mine, create: false, drift: freeze}
schedule: {cron: "0 3 * * *", timezone: Asia/Seoul, streams: [b]}
)");
    CHECK(source.schema == "mine");
    CHECK_FALSE(source.create_tables);
    CHECK(source.drift == SourceFile::Drift::freeze);
    CHECK(source.schedule.cron == "0 3 * * *");
    CHECK(source.schedule.timezone == "Asia/Seoul");
    CHECK_FALSE(source.streams.at(0).scheduled);
    CHECK(source.streams.at(1).scheduled);
}

TEST_CASE("the request's hash follows what is asked, not how it is stored", "[source]") {
    const auto hashes = [](const std::string& lines, const std::string& head = "") {
        const Stream stream =
            parse("source: s\nbase_url: https://api.test\n" + head + "streams:\n  a:\n" + lines)
                .streams.front();
        return std::pair{stream.request_hash, stream.mapping_hash};
    };
    const auto base = hashes("    path: /a\n    query: {x: 1, y: 2}\n    key: id\n");
    CHECK(base.first.size() == 64);
    CHECK(base.second.size() == 64);
    CHECK(hashes("    key: id\n    query: {y: 2, x: 1}\n    path: /a\n") == base);
    CHECK(hashes("    path: /a\n    query: {x: 1, y: 2}\n    key: id\n",
                 "headers: {User-Agent: me, Authorization: you}\n") == base);
    const auto other_query = hashes("    path: /a\n    query: {x: 1, y: 3}\n    key: id\n");
    CHECK(other_query.first != base.first);
    CHECK(other_query.second == base.second);
    const auto other_accept =
        hashes("    path: /a\n    query: {x: 1, y: 2}\n    key: id\n", "headers: {Accept: a/b}\n");
    CHECK(other_accept.first != base.first);
    const auto other_key = hashes("    path: /a\n    query: {x: 1, y: 2}\n    key: name\n");
    CHECK(other_key.first == base.first);
    CHECK(other_key.second != base.second);
    const auto paged =
        hashes("    path: /a\n    query: {x: 1, y: 2}\n    key: id\n    paginate: link\n");
    CHECK(paged.first != base.first);
}

TEST_CASE("variables come before placeholders", "[source]") {
    const SourceFile source = parse(R"(source: s
base_url: ${API:-https://api.test}
streams:
  a:
    foreach: {list: [1], as: id}
    path: /${VERSION}/{id}
    key: id
)",
                                    {{"VERSION", "v2"}});
    CHECK(source.streams.front().url.text() == "https://api.test/v2/{id}");
}

TEST_CASE("a source file that cannot be read is told by name", "[source]") {
    CHECK_THROWS_WITH(load_source_file("/nonexistent/x.yaml", {}),
                      "cannot read /nonexistent/x.yaml: No such file or directory");
}
