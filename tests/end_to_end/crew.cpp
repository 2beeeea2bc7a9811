#include "tests/end_to_end/crew.hpp"

#include <csignal>
#include <thread>

#include "tests/support/catch.hpp"

namespace pawl::test {

using namespace std::chrono_literals;

void pause_for(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

Crew::Crew(World& world, unsigned seed) : world_(world), random_(seed) {
    const std::vector<std::pair<std::string, std::string>> roles{
        {"collector", "c1"}, {"collector", "c2"}, {"worker", "w1"}, {"worker", "w2"}, {"all", "a1"}};
    for (const auto& [role, slot] : roles) members_.push_back({role, slot});
    for (auto& member : members_) start(member);
}

std::int64_t Crew::between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
}

void Crew::kill_one() {
    auto& member = pick();
    world_.end(member.process);
    pause_for(std::chrono::milliseconds(between(0, 100)));
    start(member);
    ++kills;
}

void Crew::stop_one(std::chrono::milliseconds lease) {
    auto& member = pick();
    member.process->signal(SIGSTOP);
    pause_for(lease + std::chrono::milliseconds(between(200, 800)));
    member.process->signal(SIGCONT);
    ++stops;
}

int Crew::told(const std::string& sentence) const {
    int count = world_.told(sentence);
    for (const auto& member : members_) count += lines_with(member.process->errors(), sentence);
    return count;
}

void Crew::end() {
    for (auto& member : members_) member.process->signal(SIGTERM);
    for (auto& member : members_) {
        member.process->wait(35s);
        world_.end(member.process);
    }
}

Crew::Member& Crew::pick() {
    return members_[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(members_.size()) - 1))];
}

void Crew::start(Member& member) { member.process = world_.start({"run", "--role", member.role}, member.slot); }

void set_redis_back(World& world, std::chrono::milliseconds age) {
    const auto from = now_us() - fsync_interval_us;
    world.redis().snapshot("older");
    pause_for(age);
    world.redis().stop();
    world.redis().restore("older");
    world.redis().start();
    world.memory_lost_since(from);
}

void try_sql(const World& world, const std::string& statement) {
    try {
        (void)world.sql(statement);
    } catch (const std::runtime_error&) {
    }
}

void set_read_only(const World& world, bool read_only) {
    (void)world.sql(std::string("alter system set default_transaction_read_only = ") + (read_only ? "on" : "off"));
    (void)world.sql("select pg_reload_conf()");
}

std::string queue_key(int shard) { return "pawl:{github}:queue:" + std::to_string(shard); }

const std::map<std::string, std::string>& undisturbed_tables(const std::map<std::string, std::string>& env,
                                                             const std::vector<std::string>& replica) {
    static std::map<std::map<std::string, std::string>, std::map<std::string, std::string>> known;
    auto& tables = known[env];
    if (!tables.empty()) return tables;
    World world({.replica = replica, .env = env});
    const auto ran = world.run({"backfill", "github"}, 15min);
    INFO(ran.errors);
    REQUIRE(ran.status == 0);
    tables = world.tables();
    REQUIRE(tables.size() == 6);
    for (const auto& [name, rows] : tables) REQUIRE_FALSE(rows.empty());
    return tables;
}

}  // namespace pawl::test
