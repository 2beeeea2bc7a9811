// The enforcing side is nginx's limit_req, and the figures are of its own access log.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/private_nginx.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

constexpr PrivateNginx::Rate admitted{.per_second = 50, .burst = 10};
constexpr int stream_count = 10, page_count = 150;  // 1,500 requests: 30 s

const std::string rated_source = R"(source: issues
base_url: ${API}
limits: [{name: quota, rate: 50/s, burst: 10, algorithm: token_bucket, per: source}]
streams:
  issue:
    foreach: {list: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], as: stream}
    path: /stream/{stream}
    conditional: none
    paginate: {next_url: $.next}
    records: $.items[*]
    emit: {table: issue, key: id, set: {id: $.id as bigint, title: $.title as text}}
tables: {schema: shown}
)";

/// Ten streams of 150 pages behind limit_req, and pawl processes that share one Redis.
class RatedWorld {
  public:
    explicit RatedWorld(int walks_max) : database_(PrivatePostgres::shared().new_database()) {
        for (int stream = 1; stream <= stream_count; ++stream)
            for (int page = 1; page <= page_count; ++page) write_page(stream, page);
        std::ofstream(directory_.path() / "issues.yaml") << rated_source;
        std::ofstream(directory_.path() / "pawl.yaml")
            << "redis: {url: \"" << redis_.url() << "\"}\n"
            << "postgres: {url: \"" << database_ << "\"}\n"
            << "http: {listen: \"\", walks_max: " << walks_max << "}\n"
            << "sources: [issues.yaml]\nstate_dir: state\n";
    }

    [[nodiscard]] std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments) const {
        ChildProcess::Options options;
        options.argv = {pawl_binary()};
        options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
        options.argv.insert(options.argv.end(),
                            {"--config", (directory_.path() / "pawl.yaml").string()});
        options.env = {{"API", nginx_.url()},
                       {"PAWL_ALLOW_UNSAFE_POSTGRES", "1"},
                       {"PAWL_LOG_LEVEL", "debug"}};
        return std::make_unique<ChildProcess>(std::move(options));
    }
    [[nodiscard]] const PrivateNginx& nginx() const { return nginx_; }
    [[nodiscard]] std::string sql(const std::string& statement) const {
        return psql(database_, statement);
    }

  private:
    void write_page(int stream, int page) const {
        const auto name = std::to_string(stream) + "-" + std::to_string(page) + ".json";
        std::ofstream out(nginx_.files() / name);
        out << R"({"next": )";
        if (page < page_count)
            out << "\"/stream/" << stream << "?page=" << page + 1 << '"';
        else
            out << "null";
        out << R"(, "items": [{"id": )" << stream * 1000 + page << R"(, "title": "issue"}]})";
    }

    TemporaryDirectory directory_;
    PrivateNginx nginx_{admitted};
    PrivateRedis redis_;
    std::string database_;
};

/// What nginx saw of one collection.
struct Seen {
    std::size_t requests = 0;
    std::ptrdiff_t taken = 0, refused = 0;
    double seconds = 0, used = 0;

    [[nodiscard]] bool is_clean() const { return refused == 0 && used >= 0.995; }
};

/// Collects all of it with so many processes.
Seen collect(int process_count) {
    // So few walks each that four processes are needed for ten streams.
    const RatedWorld world(process_count == 1 ? 64 : 3);
    const auto backfill = world.start({"backfill", "issues"});
    REQUIRE(eventually(20s, [&] { return !world.nginx().served().empty(); }));
    std::vector<std::unique_ptr<ChildProcess>> others;
    for (int i = 1; i < process_count; ++i)
        others.push_back(world.start({"run", "--role", "collector"}));
    const auto status = backfill->wait(120s);
    INFO(backfill->errors());
    REQUIRE(status == 0);
    for (auto& other : others) {
        other->signal(SIGTERM);
        CHECK(other->wait(35s) == 0);
        INFO(other->errors());
        CHECK(other->errors().find("Slice finished") != std::string::npos);
    }
    CHECK(world.sql("select count(*) from shown.issue") == std::to_string(stream_count * page_count));

    const auto served = world.nginx().served();
    const auto [first, last] = std::ranges::minmax(served, {}, &PrivateNginx::Served::at);
    Seen seen;
    seen.requests = served.size();
    seen.taken = std::ranges::count(served, 200, &PrivateNginx::Served::status);
    seen.refused = std::ranges::count(served, 429, &PrivateNginx::Served::status);
    seen.seconds = last.at - first.at;
    seen.used = (stream_count * page_count - admitted.burst) / (admitted.per_second * seen.seconds);
    std::cout << "nginx test: " << process_count << " processes, " << seen.requests << " requests in " << seen.seconds
              << " s, " << seen.refused << " refused, " << seen.used << " of the rate used" << std::endl;
    return seen;
}

}  // namespace

// A machine that is busy with something else holds requests back and lets them go in a bunch, which nginx refuses: then it
// is tried once more.
TEST_CASE("nginx refuses no request, and its rate is used", "[end_to_end][pace][quota][nginx]") {
    const int process_count = GENERATE(4, 1);
    if (process_count == 1 && std::getenv("PAWL_TEST_FULL") == nullptr) return;  // the easier of the two: tests/full
    auto seen = collect(process_count);
    if (!seen.is_clean()) seen = collect(process_count);
    CHECK(seen.requests == stream_count * page_count);
    CHECK(seen.taken == stream_count * page_count);
    CHECK(seen.refused == 0);
    CHECK(seen.used >= 0.995);
}
