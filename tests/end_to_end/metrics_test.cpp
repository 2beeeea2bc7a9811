#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/end_to_end/crew.hpp"
#include "tests/end_to_end/http_client.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using pawl_tests::contains;

namespace {

std::int64_t pages(const World& world) {
    return std::stoll(world.sql("select count(*) from pawl.page"));
}

}  // namespace

TEST_CASE(
    "a service tells its numbers and its health, survives a wrong source file, and drains at "
    "SIGTERM",
    "[end_to_end][metrics]") {
    TemporaryDirectory folder;
    const auto source = folder.path() / "github.yaml";
    std::filesystem::copy_file("tests/end_to_end/small_github.yaml", source);
    World world({.replica = {"--faults", R"({"seed": 3, "server_error": 0.05})"},
                 .env = {{"TEST_PACE", "60/s"}},
                 .source = source.string()});
    auto service = world.start({"run", "--listen", "127.0.0.1:0"}, "metrics");
    const auto url = service_url(*service);
    REQUIRE(eventually(20s, [&] { return http_get(url + "/readyz").status == 200; }));
    CHECK(http_get(url + "/livez").status == 200);
    CHECK(http_get(url + "/nowhere").status == 404);

    std::string metrics;
    const auto tells = [&](const std::string& line) {
        return metrics.find("\n" + line) != std::string::npos;
    };
    CHECK(eventually(30s, [&] {  // gauges are refreshed every 5 s
        metrics = http_get(url + "/metrics").body;
        return tells("pawl_retries_total{") && tells("pawl_quota_limit{") &&
               tells("pawl_queue_jobs{");
    }));
    INFO(metrics);
    for (const std::string series :
         {"pawl_pages_total{outcome=\"ok\",source=\"github\",stream=\"repos\"}",
          "pawl_http_requests_total{source=\"github\",status=\"200\"}",
          "pawl_rows_total{operation=\"inserted\",source=\"github\",table=\"repository\"}",
          "pawl_queue_jobs{source=\"github\"}", "pawl_queue_bytes{source=\"github\"}",
          "pawl_queue_oldest_seconds{source=\"github\"}",
          "pawl_quota_limit{limit=\"core\",owner=\"alice\",source=\"github\"} 5000",
          "pawl_quota_remaining{limit=\"core\",owner=\"alice\",source=\"github\"}",
          "pawl_quota_reset_seconds{limit=\"core\",owner=\"alice\",source=\"github\"}",
          "pawl_retries_total{reason=\"status_5",
          "pawl_dead_letters_total{source=\"github\",stream=\"repos\"} 0",
          "pawl_last_success_timestamp_seconds{source=\"github\",stream=\"repos\"}",
          "pawl_batch_duration_seconds_bucket{", "pawl_dependency_up{dependency=\"postgres\"} 1",
          "pawl_dependency_up{dependency=\"redis\"} 1"}) {
        INFO(series);
        CHECK(tells(series));
    }
    const auto checked = run_program({.argv = {"promtool", "check", "metrics"}, .input = metrics});
    INFO(checked.errors);
    CHECK(checked.status == 0);

    std::ofstream(source, std::ios::app) << "nonsense: 1\n";
    service->signal(SIGHUP);
    CHECK(eventually(10s, [&] {
        return service->errors().find("Source files are wrong, going on with the old ones") !=
               std::string::npos;
    }));
    CHECK_THAT(service->errors(), contains("unknown key \\\"nonsense\\\""));
    const auto before = pages(world);
    CHECK(eventually(10s, [&] { return pages(world) > before; }));
    CHECK(http_get(url + "/readyz").status == 200);

    std::filesystem::copy_file("tests/end_to_end/small_github.yaml", source,
                               std::filesystem::copy_options::overwrite_existing);
    service->signal(SIGHUP);
    CHECK(eventually(10s, [&] {
        return service->errors().find("Source files read again") != std::string::npos;
    }));

    service->signal(SIGTERM);
    CHECK(service->wait(35s) == 0);
    CHECK_THAT(service->errors(),
               contains("Stopping, work in hand is finished") && contains("Stopped slot=metrics"));
    world.end(service);
    // Drained: no lease is left behind, and nobody has to wait for one to lapse.
    CHECK(world.redis().command({"ZCARD", "pawl:{github}:leased"}) == "0");
}
