// Bodies of 200 MB, told by their length, in chunks without end in sight, and packed: none of them is taken in, and the memory
// of the process stays within what the setting allows.
#include <zlib.h>

#include <csignal>
#include <fstream>
#include <iostream>

#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using pawl_tests::contains;

namespace {

constexpr const char* four_sizes = R"(
source: odd
base_url: ${API}
streams:
  item:
    foreach: {list: [good, long, chunked, packed], as: name}
    path: "/{name}"
    key: id
)";

constexpr int large_megabytes = 200, body_max_megabytes = 8;
const std::string megabyte(1u << 20, ' ');  // blanks are JSON as far as they go

/// `count` megabytes of blanks, packed: a thousandth of that.
std::string packed_megabytes(int count) {
    z_stream stream{};
    REQUIRE(::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);  // + 16: gzip
    std::string packed(static_cast<std::size_t>(count) << 13, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    for (int i = 0; i < count; ++i) {
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(megabyte.data()));
        stream.avail_in = static_cast<uInt>(megabyte.size());
        REQUIRE(::deflate(&stream, i + 1 == count ? Z_FINISH : Z_NO_FLUSH) >= Z_OK);
    }
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    return packed;
}

/// The most memory that a process has had so far, in megabytes (VmHWM of proc(5)).
int most_memory_megabytes(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::stoi(line.substr(6)) / 1024;
    return 0;
}

}  // namespace

TEST_CASE("bodies of 200 MB end as too large, and the memory of the process stays bounded", "[end_to_end][faults][large]") {
    Scene scene(four_sizes, "http: {listen: \"\", body_max: " + std::to_string(body_max_megabytes) + "MiB}\n");
    const auto size = std::to_string(megabyte.size() * large_megabytes);
    const auto packed = packed_megabytes(large_megabytes);
    const std::string head = "HTTP/1.1 200 OK\r\n";
    scene.api().on("/good", R"({"id": 1})");
    scene.api().on("/long", {{.text = head + "Content-Length: " + size + "\r\n\r\n"},
                             {.text = megabyte, .times = large_megabytes}});
    scene.api().on("/chunked", {{.text = head + "Transfer-Encoding: chunked\r\n\r\n"},
                                {.text = "100000\r\n" + megabyte + "\r\n", .times = large_megabytes},
                                {.text = "0\r\n\r\n"}});
    scene.api().on("/packed", packed, "Content-Encoding: gzip\r\n");

    ChildProcess service(scene.command({"run"}));
    const auto ended = [&] { return scene.sql("select count(*) from pawl.slice_done where outcome = 'too_large'") == "3"; };
    REQUIRE(eventually(20s, [&] { return !scene.sql("select to_regclass('pawl.slice_done')").empty(); }));
    CHECK(eventually(30s, ended));
    CHECK(eventually(30s, [&] { return scene.sql("select count(*) from pawl.slice_done where outcome = 'ok'") == "1"; }));
    const auto most = most_memory_megabytes(service.pid());
    std::cout << "large body test: at most " << most << " MB" << std::endl;
    CHECK(most > 0);
#ifndef __SANITIZE_ADDRESS__  // its shadow takes as much again, and what is freed is kept for a while
    CHECK(most < large_megabytes / 2);
#endif
    service.signal(SIGTERM);
    CHECK(service.wait(35s) == 0);
    INFO(service.errors());
    CHECK_THAT(service.errors(), contains("the body is larger than"));
    CHECK(scene.sql("select id from odd.item") == "1");
    for (const std::string name : {"long", "chunked", "packed"}) CHECK(scene.asked("/" + name) == 1);
    CHECK(scene.sql("select count(*) from pawl.dead_letter") == "0");
    CHECK(scene.run({"verify", "odd"}).status == 0);
}
