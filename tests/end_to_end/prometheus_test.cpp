// Against a Prometheus that was filled by its own tools: windows of time for each series, values as text, forms.
#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>

#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/free_port.hpp"

using namespace pawl::test;

namespace {

constexpr const char* metrics_source = R"yaml(
source: metrics
base_url: ${PROMETHEUS}
limits:
  - {name: pace, match: "/**", per: source, rate: 100/s}
streams:
  series:
    path: /api/v1/series
    query: {"match[]": room_temperature, start: 1767225600, end: 1767312000}
    emit: {table: series, each: "$.data[*]", key: [room], set: {room: $.room, floor: "$.floor as bigint"}}
  samples:
    foreach: {stream: series}
    path: /api/v1/query_range
    query: {query: "room_temperature{{room=\"{replace(room, '\"', '\\\"')}\"}}", step: 60}
    incremental:
      window: {from_into: query.start, to_into: query.end, format: epoch, granularity: 1m, inclusive: true,
               start: "2026-01-01", end: "2026-01-01T11:59:00Z", step: 90m}
    emit:
      table: sample
      each: "$.data.result[0].values[*]"
      key: [room, at]
      set: {room: parent.room, at: "parse_time($[0], 'epoch') as timestamptz", value: "$[1] as double"}
  floors:
    path: /api/v1/query
    body: {form: {query: "sum by (floor) (room_temperature)", time: "2026-01-01T06:00:00Z"}}
    emit:
      table: floor
      each: "$.data.result[*]"
      key: [floor]
      set: {floor: "$.metric.floor as bigint", total: "$.value[1] as double"}
)yaml";

constexpr std::int64_t first = 1'767'225'600;  // 2026-01-01T00:00:00Z
constexpr int rooms = 8, minutes = 12 * 60;

/// Quarters of a degree, which a double and its text hold exactly. Rooms 5 to 7 skip every seventh minute, with a staleness of
/// five minutes Prometheus then repeats the value before.
double temperature(int room, int minute) {
    if (room >= 5 && minute % 7 == 3) --minute;
    return 15 + room + static_cast<double>((minute * (room + 3)) % 41) / 4;
}
std::string name(int room) { return room == 2 ? "Größe \\\"2\\\" & more" : "room " + std::to_string(room); }  // as OpenMetrics writes it

/// The binary's data, made of OpenMetrics by promtool, and a server on it that scrapes nobody.
class PrivatePrometheus {
  public:
    PrivatePrometheus() {
        const auto folder = directory_.path();
        {
            std::ofstream out(folder / "filled.om");
            out << "# TYPE room_temperature gauge\n";
            for (int room = 0; room < rooms; ++room)
                for (int minute = 0; minute < minutes; ++minute)
                    if (room < 5 || minute % 7 != 3)
                        out << "room_temperature{room=\"" << name(room) << "\",floor=\"" << room % 3 << "\"} " << temperature(room, minute)
                            << " " << first + 60 * minute << "\n";
            out << "# EOF\n";
        }
        const auto filled = run_program({.argv = {"promtool", "tsdb", "create-blocks-from", "openmetrics", (folder / "filled.om").string(),
                                                  (folder / "data").string()}});
        INFO(filled.errors);
        REQUIRE(filled.status == 0);
        std::ofstream(folder / "prometheus.yml") << "scrape_configs: []\n";
        const auto port = free_port();
        url_ = "http://127.0.0.1:" + std::to_string(port);
        ChildProcess::Options options;
        options.argv = {"prometheus", "--config.file=" + (folder / "prometheus.yml").string(),
                        "--storage.tsdb.path=" + (folder / "data").string(), "--storage.tsdb.retention.time=100y",
                        "--web.listen-address=127.0.0.1:" + std::to_string(port)};
        server_ = std::make_unique<ChildProcess>(std::move(options));
        const bool up = eventually(std::chrono::seconds(30), [&] { return !server_->is_running() || listens(port); });
        INFO(server_->errors());
        REQUIRE((up && server_->is_running()));
    }
    [[nodiscard]] std::string url() const { return url_; }

  private:
    TemporaryDirectory directory_;
    std::string url_;
    std::unique_ptr<ChildProcess> server_;
};

std::string expected_samples() {
    std::vector<std::string> lines;
    for (int room = 0; room < rooms; ++room)
        for (int minute = 0; minute < minutes; ++minute) {
            std::ostringstream line;
            line << (room == 2 ? "Größe \"2\" & more" : name(room)) << "|" << first + 60 * minute << "|" << temperature(room, minute);
            lines.push_back(line.str());
        }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

}  // namespace

TEST_CASE("what a Prometheus holds is in the tables, window by window, whatever is killed", "[end_to_end][prometheus]") {
    PrivatePrometheus server;
    Scene scene(metrics_source);
    scene.set_env("PROMETHEUS", server.url());
    std::mt19937 random(7);
    const auto ran = scene.sync_with_kills(random);
    INFO(ran.errors);
    REQUIRE(ran.status == 0);

    CHECK(scene.sql("select count(*), sum(floor) from metrics.series") == "8|7");
    const auto samples = scene.sql("select line from (select room || '|' || extract(epoch from at)::bigint || '|' || value as line from metrics.sample) as s "
                    "order by line collate \"C\"");
    const bool same = samples + "\n" == expected_samples();  // not shown: they are 5,760
    CHECK(same);
    // Eight windows of eight rooms, each walked once, whatever was killed.
    CHECK(scene.sql("select count(*), count(distinct (partition_id, lo, hi)), count(distinct (lo, hi)) from pawl.slice_done where stream = 'samples' "
                    "and outcome = 'ok'") == "64|64|8");
    std::string floors;
    for (int floor = 0; floor < 3; ++floor) {
        double total = 0;
        for (int room = floor; room < rooms; room += 3) total += temperature(room, 360);
        std::ostringstream line;
        line << floor << "|" << total;
        floors += (floors.empty() ? "" : "\n") + line.str();
    }
    CHECK(scene.sql("select floor, total from metrics.floor order by 1") == floors);
    const auto verified = scene.run({"verify"});
    INFO(verified.output);
    CHECK(verified.status == 0);
}
