// Every way to ask for a list: each paginator with each format and each incremental mode.
#include <iostream>
#include <mutex>
#include <random>

#include "tests/end_to_end/paged_list.hpp"
#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

std::string rows_of(const Scene& scene, const Way& way) {
    return scene.sql("select id || ' ' || ((extract(epoch from updated) - extract(epoch from timestamptz '2026-01-01T00:00:00Z')) / 60)::int || "
                     "' ' || name from ways.\"" + way.name() + "\" order by id");
}

void collect(const Scene& scene, std::mt19937& random) {
    const auto ran = scene.sync_with_kills(random);
    INFO(ran.errors);
    REQUIRE(ran.status == 0);
}

int asked(const std::vector<std::string>& requests, std::size_t from, const std::string& end_of_path) {
    return static_cast<int>(std::count_if(requests.begin() + static_cast<std::ptrdiff_t>(from), requests.end(), [&](const std::string& head) {
        const auto path = head.substr(0, head.find(' ', 4));
        return path.substr(0, path.find('?')).ends_with(end_of_path);
    }));
}

}  // namespace

TEST_CASE("every paginator with every format and every incremental mode stores what the API has, whatever is killed",
          "[end_to_end][ways]") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto ways = all_ways();
    REQUIRE(ways.size() == 7 * 5 * 4);
    Scene scene(paged_source(ways));
    std::mutex mutex;
    PagedList list;
    for (int id = 1; id <= 25; ++id) list.items.push_back({id, id * 10, "name " + std::to_string(id)});
    scene.api().on_others([&](const std::string& target) {
        const std::lock_guard lock(mutex);
        return list.answer(target);
    });
    const auto check = [&] {
        std::string told;
        for (const Way& way : ways) {
            INFO(way.name());
            const bool same = rows_of(scene, way) == list.rows();
            CHECK(rows_of(scene, way) == list.rows());
            told += way.name() + (same ? " ok\n" : " DIFFERS\n");
        }
        const auto verified = scene.run({"verify"});
        INFO(verified.output);
        CHECK(verified.status == 0);
        return told;
    };
    collect(scene, random);
    (void)check();
    const auto first = scene.api().requests().size();
    {
        const std::lock_guard lock(mutex);
        for (int id = 26; id <= 32; ++id) list.items.push_back({id, 1'000 + id, "new " + std::to_string(id)});
        list.items[2].minute = 1'100;
        list.items[2].name = "changed";
    }
    collect(scene, random);
    std::cout << check();
    // Who asks for what is new asks less: two pages instead of six, where there are pages.
    const auto requests = scene.api().requests();
    for (const char* mode : {"since", "newest"}) {
        INFO(mode);
        CHECK(asked(requests, first, std::string("/json/") + mode) < asked(requests, first, "/json/whole"));
    }
}
