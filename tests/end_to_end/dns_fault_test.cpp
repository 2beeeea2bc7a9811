// The name server does not answer, then knows no such host, then answers again. Only where the test may mount a resolv.conf of
// its own and listen on port 53: as root.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"
#include "tests/support/name_server.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

using Answer = NameServer::Answer;
constexpr auto answers_within = 1s;   // it takes milliseconds; a resolver that is waited for takes ten seconds
constexpr auto addresses_kept = 65s;  // libcurl asks again for the address of a host after 60 s

std::unique_ptr<NameServer> name_server() {
    try {
        return std::make_unique<NameServer>();
    } catch (const std::system_error& refused) {
        WARN("SKIPPED, this user may not have a name server of its own: " << refused.what());
        return nullptr;
    }
}

/// Services that are asked all the time whether their event loops answer.
class Services {
  public:
    explicit Services(World& world) : world_(world) {}

    void start(const std::string& slot) {
        auto process = world_.start({"run", "--listen", "127.0.0.1:0"}, slot);
        const auto url = service_url(*process);
        running_.push_back({std::move(process), url});
    }
    void end_first() {
        running_.front().process->signal(SIGTERM);
        CHECK(running_.front().process->wait(35s) == 0);
        world_.end(running_.front().process);
        running_.erase(running_.begin());
    }
    void end() {
        while (!running_.empty()) end_first();
    }
    [[nodiscard]] int told(const std::string& sentence) const {
        int count = world_.told(sentence);
        for (const auto& service : running_) count += lines_with(service.process->errors(), sentence);
        return count;
    }
    /// Asks all of them whether they live, until the condition holds.
    [[nodiscard]] bool live_until(const std::function<bool()>& condition) {
        return eventually(2min, [&] {
            for (const auto& service : running_) {
                const auto asked = std::chrono::steady_clock::now();
                CHECK(http_get(service.url + "/livez").status == 200);
                longest_ = std::max(longest_, std::chrono::steady_clock::now() - asked);
            }
            return condition();
        });
    }
    /// Until so many requests more have failed for `reason`.
    [[nodiscard]] bool live_until_failed(int requests, const std::string& reason) {
        const auto wanted = told(reason) + requests;
        return live_until([&] { return told(reason) >= wanted; });
    }
    [[nodiscard]] std::chrono::milliseconds longest_answer() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(longest_);
    }

  private:
    struct Service {
        std::unique_ptr<ChildProcess> process;
        std::string url;
    };
    World& world_;
    std::vector<Service> running_;
    std::chrono::steady_clock::duration longest_{0};
};

const std::string no_answer = "Resolving timed out", no_host = "Could not resolve host";

}  // namespace

TEST_CASE("a name server that does not answer, or knows no such host, holds nothing up and costs no request", "[end_to_end][faults][dns]") {
    const bool full = std::getenv("PAWL_TEST_FULL") != nullptr;
    const auto env = full ? std::map<std::string, std::string>{} : few_pages;
    const auto& expected = undisturbed_tables(env);
    const auto names = name_server();
    if (!names) return;
    World world({.env = env, .lease = "2s"});  // several fit into each time without an answer
    Forwarder line(world.replica().url());
    world.set_env("GITHUB_API", "http://api.test:" + std::to_string(line.port()));
    world.set_env("PAWL_HTTP_CONNECT_TIMEOUT", "1s");
    world.set_env("TEST_PACE", full ? "20/s" : "8/s");  // on a slow machine, too, there is work left at the end
    Services services(world);
    services.start("one");
    services.start("two");
    const auto each_fails = [&](int times) { return times * 2 * world.walks_max(); };
    CHECK(services.live_until_failed(each_fails(4), no_answer));
    CHECK(world.replica().asked().empty());
    names->answer(Answer::no_such_name);
    CHECK(services.live_until_failed(each_fails(2), no_host));
    CHECK(world.replica().asked().empty());
    names->answer(Answer::loopback);
    CHECK(services.live_until([&] { return services.told("Slice finished") > 5; }));

    // A new process goes on with slices that another had begun, and finds no name server.
    names->answer(Answer::none);
    services.end_first();
    services.start("three");
    CHECK(services.live_until_failed(4 * world.walks_max(), no_answer));
    if (full) {  // and so do old ones, whose connections break when they know the address no more
        names->answer(Answer::loopback);
        CHECK(services.live_until([end = std::chrono::steady_clock::now() + addresses_kept] {
            return std::chrono::steady_clock::now() > end;
        }));
        names->answer(Answer::none);
        line.cut();
        CHECK(services.live_until_failed(each_fails(4), no_answer));
    }
    names->answer(Answer::loopback);
    const auto stored = world.pages_stored();
    CHECK(services.live_until([&] { return world.pages_stored() > stored + 5; }));

    world.set_env("TEST_PACE", "2000/s");
    services.end();
    std::cout << "DNS test: " << names->asked() << " questions, " << services.told(no_answer) << " requests without an address, "
              << services.told(no_host) << " without a host, longest answer of a service "
              << services.longest_answer().count() << " ms, ";
    const auto account = check_nothing_lost(world, expected);
    CHECK(services.longest_answer() < answers_within);
    CHECK(services.told("Lease lapsed") == 0);
    CHECK(account.repeat_count() <= (full ? 2 * world.walks_max() : 0));  // what was on a line when it was cut
}
