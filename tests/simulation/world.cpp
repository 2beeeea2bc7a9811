#include "tests/simulation/world.hpp"

#include <algorithm>

#include "core/source_parser.hpp"

namespace pawl::simulation {

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t snapshot_every_us = 300'000;
constexpr std::size_t snapshots_max = 12;
constexpr std::int64_t steps_max = 3'000'000;
constexpr std::int64_t patience_us = 3600 * second_us;  // after the last fault
constexpr std::size_t queue_tight = 600, queue_wide = 1'000'000;  // bytes: one page, and all there are
constexpr int lists = 3, things_most = 9;
constexpr int collectors = 2, walks_most = 5;  // of each: three, and two more of class live
constexpr int pages_most = 40;                 // that a Redis which forgets may cost

/// How many pages may be asked for again since this happened.
int repeats_for(const Event& event) {
    const bool hits_collector = event.what.starts_with("collector");
    switch (event.fault) {
        case Fault::kill:
        case Fault::pause: return hits_collector ? walks_most : 0;
        case Fault::slow:
        case Fault::request_lost:
        case Fault::reply_lost: return event.what == "renew" ? walks_most : 0;
        case Fault::redis_wipe:
        case Fault::redis_rollback: return pages_most;
        default: return 0;
    }
}

/// A process, or the place of one that is dead for a while.
struct Place {
    Role role = Role::planner;
    std::string name;
    std::unique_ptr<Process> process;
    std::int64_t back_at_us = 0;    ///< dead: when it starts again
    std::int64_t frozen_until_us = 0;
    int lives = 0;
};

class World {
  public:
    World(std::uint64_t seed, Mutation mutation, const std::set<int>& left_out);
    Result run();

  private:
    [[nodiscard]] double draw() { return fate_.random().fraction(); }
    [[nodiscard]] std::int64_t draw_us(double seconds) { return static_cast<std::int64_t>(draw() * seconds * 1e6); }
    void choose_chances();
    void add_places();
    void start(Place& place);
    bool step();
    void strike();
    void strike_processes();
    void strike_redis();
    void pass_time();
    void keep_snapshot();
    void end_faults();
    [[nodiscard]] bool is_done() const;
    void judge(Result& result) const;
    void judge_ledger(Result& result) const;
    void judge_rows(Result& result) const;
    [[nodiscard]] std::set<std::string> marked_lists(const std::string& stream) const;
    void judge_requests(Result& result) const;
    void count_paths(Result& result) const;

    std::uint64_t seed_;
    Fate fate_;
    Timeline timeline_;
    Chances chances_;
    Servers servers_;
    ProcessClock time_{timeline_};
    core::SeededRandom server_random_;
    test::MemoryQueue redis_;
    test::MemoryStore postgres_;
    Witness witness_{redis_, postgres_};
    core::CountingTelemetry telemetry_;
    std::unique_ptr<Api> api_;
    std::shared_ptr<const core::SourceFile> source_;
    std::unique_ptr<Meeting> meeting_;
    std::vector<Place> places_;
    std::deque<test::MemoryQueue::Held> snapshots_;
    std::int64_t next_snapshot_us_ = 0, faults_end_us_ = 0;
    std::int64_t steps_ = 0, walks_lost_ = 0;
    std::string failure_;
};

World::World(std::uint64_t seed, Mutation mutation, const std::set<int>& left_out)
    : seed_(seed),
      fate_(seed, left_out),
      server_random_(seed * 31 + 7),
      redis_(time_, server_random_, draw() < 0.2 ? queue_tight : queue_wide),
      postgres_(time_, server_random_) {
    static const auto source =
        std::make_shared<const core::SourceFile>(core::parse_source_text(source_text, "sim.yaml", {}));
    source_ = source;
    choose_chances();
    api_ = std::make_unique<Api>(fate_, timeline_, chances_, lists, things_most);
    meeting_ = std::make_unique<Meeting>(
        Meeting{redis_, postgres_, *api_, fate_, timeline_, chances_, servers_, witness_, telemetry_, source_, mutation});
    faults_end_us_ = 5 * second_us + draw_us(25);
    add_places();
}

// Each kind of fault is there in some runs, seldom in some and often in others.
void World::choose_chances() {
    const auto some = [&](double most) { return draw() < 0.5 ? 0.0 : most * draw() * draw(); };
    chances_.request_lost = some(0.05);
    chances_.reply_lost = some(0.05);
    chances_.slow = some(0.02);
    chances_.postgres_abort = some(0.2);
    chances_.kill = some(0.01);
    chances_.pause = some(0.01);
    chances_.wipe = some(0.002);
    chances_.rollback = some(0.004);
    chances_.full = some(0.002);
    chances_.drift = some(0.3);
    chances_.reorder = some(0.05);
    chances_.expire = some(0.5);
    chances_.refuse = some(0.1);
    chances_.break_ = some(0.2);
    chances_.jump = some(0.002);
}

void World::add_places() {
    const auto add = [&](Role role, const std::string& name) {
        places_.emplace_back();
        places_.back().role = role;
        places_.back().name = name;
        start(places_.back());
    };
    add(Role::planner, "planner-1");
    if (draw() < 0.5) add(Role::planner, "planner-2");
    for (int i = 1; i <= collectors; ++i) add(Role::collector, "collector-" + std::to_string(i));
    add(Role::worker, "worker-1");
    add(Role::worker, "worker-2");
}

void World::start(Place& place) {
    const auto seed = seed_ * 1'000'003 + std::hash<std::string>()(place.name) % 1'000 + static_cast<std::uint64_t>(++place.lives);
    place.process = std::make_unique<Process>(place.role, place.name, seed, *meeting_);
    place.back_at_us = place.frozen_until_us = 0;
}

Result World::run() {
    const auto over = [&] { return fate_.is_over() && (is_done() || timeline_.now_us() > faults_end_us_ + patience_us); };
    while (!over() && steps_ < steps_max && failure_.empty()) {
        if (!fate_.is_over() && timeline_.now_us() >= faults_end_us_) end_faults();
        strike();
        if (!step()) pass_time();
    }
    Result result;
    if (!failure_.empty()) result.violations.push_back(failure_);
    if (failure_.empty() && !is_done())
        result.violations.push_back("not done " + std::to_string((timeline_.now_us() - faults_end_us_) / second_us) +
                                    " s after the last fault: somebody waits for ever");
    places_.clear();
    if (failure_.empty()) judge(result);
    result.events = fate_.events();
    for (int i = 0; i < static_cast<int>(Fault::count_); ++i) {
        const auto fault = static_cast<Fault>(i);
        result.faults[std::string(to_string(fault))] = fate_.count(fault);
    }
    count_paths(result);
    result.steps = steps_;
    result.virtual_ms = timeline_.now_ms();
    return result;
}

/// One step of a process that can go on, chosen by fate. False: nobody can.
bool World::step() {
    const auto first = static_cast<std::size_t>(fate_.random().next() % places_.size());
    for (std::size_t i = 0; i < places_.size(); ++i) {
        auto& place = places_[(first + i) % places_.size()];
        if (!place.process || place.frozen_until_us > timeline_.now_us()) continue;
        if (!place.process->step()) continue;
        ++steps_;
        if (!place.process->failure().empty()) failure_ = place.name + " gave up: " + place.process->failure();
        witness_.look();
        if (!witness_.breach().empty()) failure_ = witness_.breach();
        return true;
    }
    return false;
}

void World::strike() {
    if (fate_.is_over()) return;
    strike_processes();
    strike_redis();
}

void World::strike_processes() {
    auto& place = places_[static_cast<std::size_t>(fate_.random().next() % places_.size())];
    if (!place.process) return;
    const auto now = timeline_.now_ms();
    if (fate_.strikes(Fault::kill, chances_.kill, now, place.name)) {
        place.process.reset();
        place.back_at_us = timeline_.now_us() + draw_us(draw() < 0.8 ? 1 : 10);
        return;
    }
    if (fate_.strikes(Fault::pause, chances_.pause, now, place.name)) {
        place.frozen_until_us = timeline_.now_us() + draw_us(draw() < 0.5 ? 2 : 12);
        return;
    }
    if (fate_.strikes(Fault::clock_jump, chances_.jump, now, place.name))
        place.process->clock().off_us = static_cast<std::int64_t>((draw() - 0.5) * 7200e6);
}

void World::strike_redis() {
    const auto now = timeline_.now_ms();
    if (fate_.strikes(Fault::redis_wipe, chances_.wipe, now, "")) {
        redis_.wipe();
        witness_.redis_forgot();
        snapshots_.clear();
    }
    if (!snapshots_.empty() && fate_.strikes(Fault::redis_rollback, chances_.rollback, now, "")) {
        const auto back = static_cast<std::size_t>(fate_.random().next() % snapshots_.size());
        redis_.held = snapshots_[back];
        witness_.redis_forgot();
        snapshots_.resize(back + 1);
        servers_.redis_away_until_us = timeline_.now_us() + draw_us(0.5);
    }
    if (fate_.strikes(Fault::redis_full, chances_.full, now, ""))
        servers_.redis_full_until_us = timeline_.now_us() + draw_us(3);
}

void World::pass_time() {
    auto next = timeline_.next_us();
    const auto consider = [&](std::int64_t at) {
        if (at > timeline_.now_us() && (!next || at < *next)) next = at;
    };
    for (const auto& place : places_) {
        consider(place.back_at_us);
        consider(place.frozen_until_us);
    }
    if (!fate_.is_over()) consider(faults_end_us_);
    if (!next) {
        failure_ = "nothing can happen any more";
        return;
    }
    timeline_.advance_to(*next);
    if (timeline_.now_us() >= next_snapshot_us_) keep_snapshot();
    for (auto& place : places_)
        if (!place.process && place.back_at_us <= timeline_.now_us()) start(place);
}

void World::keep_snapshot() {
    next_snapshot_us_ = timeline_.now_us() + snapshot_every_us;
    if (chances_.rollback <= 0) return;
    snapshots_.push_back(redis_.held);
    if (snapshots_.size() > snapshots_max) snapshots_.pop_front();
}

void World::end_faults() {
    fate_.end();
    servers_ = {};
    for (auto& place : places_) {
        place.frozen_until_us = 0;
        if (!place.process) start(place);
    }
}

bool World::is_done() const {
    const auto& held = postgres_.held;
    if (held.partitions.empty() || !held.slices.empty() || redis_.jobs() > 0) return false;
    return std::all_of(held.partitions.begin(), held.partitions.end(),
                       [](const auto& one) { return one.second.last_finished && !one.second.next_due; });
}

void World::judge(Result& result) const {
    judge_ledger(result);
    judge_rows(result);
    judge_requests(result);
    for (const auto& [id, slice] : postgres_.held.done)
        if (slice.state != "done" || (slice.outcome != "ok" && !(slice.outcome == "truncated" && slice.shifted)))
            result.violations.push_back("slice " + std::to_string(id) + " of " + slice.stream + " ended as " + slice.outcome);
    if (!postgres_.held.dead_letters.empty())
        result.violations.push_back(std::to_string(postgres_.held.dead_letters.size()) + " dead letters");
}

void World::judge_ledger(Result& result) const {
    for (const auto& [id, pages] : postgres_.held.ledger) {
        const auto done = postgres_.held.done.find(id);
        if (done == postgres_.held.done.end()) continue;
        const auto where = "slice " + std::to_string(id) + " page ";
        auto previous = done->second.genesis;
        std::optional<std::string> cursor;
        std::int64_t seq = 0;
        for (const auto& page : pages) {
            ++seq;
            if (page.seq != seq) result.violations.push_back(where + std::to_string(page.seq) + " stands where " + std::to_string(seq) + " should");
            if (page.previous != previous) result.violations.push_back(where + std::to_string(seq) + " continues another page");
            if (page.cursor != cursor) result.violations.push_back(where + std::to_string(seq) + " was asked for by another cursor");
            previous = page.link;
            cursor = page.next_cursor;
        }
        if (done->second.tip_seq != seq || done->second.tip_link != previous)
            result.violations.push_back("slice " + std::to_string(id) + ": the tip is not the last page");
    }
}

/// Lists whose last walk says that they moved under it, or that its cursor expired.
std::set<std::string> World::marked_lists(const std::string& stream) const {
    std::set<std::string> marked;
    for (const auto& [id, partition] : postgres_.held.partitions)
        if (partition.stream == stream && postgres_.held.done.at(partition.last_slice).shifted) marked.insert(partition.part);
    return marked;
}

void World::judge_rows(Result& result) const {
    const auto rows_of = [&](const std::string& table) -> const test::MemoryStore::Table& {
        static const test::MemoryStore::Table none;
        const auto found = postgres_.held.tables.find(table);
        return found == postgres_.held.tables.end() ? none : found->second;
    };
    const auto id_of = [](const test::MemoryStore::Row& row) { return std::stoi(row.cells.at("thing_id").value_or("-1")); };
    std::set<int> things, details;
    for (const auto& [key, row] : rows_of("thing").keyed) things.insert(id_of(row));
    for (const auto& [key, row] : rows_of("detail").keyed) details.insert(id_of(row));
    std::set<int> ranks;
    for (const auto& [key, row] : rows_of("rank").keyed) ranks.insert(id_of(row));
    const auto excused = [&](std::set<int>& found, const std::string& list) {  // told that records may be missing
        found.insert(api_->lasting(list).begin(), api_->lasting(list).end());
    };
    for (const auto& list : marked_lists("ranks")) excused(ranks, list);
    for (const char* list : {"a", "b", "c"})
        if (api_->reordered(list)) excused(ranks, list);
    std::set<int> cut;
    for (const auto& list : marked_lists("things")) excused(cut, list);
    std::map<int, int> sighted;
    for (const auto& row : rows_of("sighting").keyless) ++sighted[id_of(row)];
    for (const int thing : api_->lasting_of_all()) {
        const auto name = std::to_string(thing);
        if (!ranks.contains(thing)) result.violations.push_back("the rank of " + name + " is lost, and not told");
        if (cut.contains(thing)) continue;
        if (!things.contains(thing)) result.violations.push_back("thing " + name + " is lost");
        if (!details.contains(thing)) result.violations.push_back("the detail of " + name + " is lost");
        if (sighted[thing] == 0) result.violations.push_back("the sighting of " + name + " is lost");
    }
    // Without a key nothing of a list by offset is there twice, unless its walk says so: as long as it moves by less than a
    // page. What goes while something else comes cannot be noticed there.
    const auto moved = marked_lists("places");
    std::map<int, int> placed;
    for (const auto& row : rows_of("place").keyless)
        if (const auto list = row.cells.at("list_name").value_or(""); !moved.contains(list) && api_->moves(list) < 3 && !api_->reordered(list))
            ++placed[id_of(row)];
    for (const auto& [thing, count] : placed)
        if (count > 1) result.violations.push_back("the place of " + std::to_string(thing) + " is there " + std::to_string(count) + " times");
    for (const auto& [thing, count] : sighted)
        if (count > 1) result.violations.push_back("the sighting of " + std::to_string(thing) + " is there " + std::to_string(count) + " times");
}

// A page is asked for once, and once more for each walk that a fault may have cost.
void World::judge_requests(Result& result) const {
    std::int64_t pages = 0;
    for (const auto& [id, ledger] : postgres_.held.ledger) pages += static_cast<std::int64_t>(ledger.size());
    result.pages = pages;
    result.requests = api_->asked();
    const auto repeats = api_->served() - pages;
    std::int64_t explained = 0;
    for (const auto& event : fate_.events()) explained += repeats_for(event);
    if (repeats > explained)
        result.violations.push_back(std::to_string(repeats) + " pages were asked for again, and what went wrong explains " +
                                    std::to_string(explained));
    // A Redis that forgets knows nothing of the requests in flight, nor how many of them the API has counted already.
    const auto forgotten = (fate_.count(Fault::redis_wipe) + fate_.count(Fault::redis_rollback)) * collectors * walks_most;
    if (api_->refused() > forgotten)
        result.violations.push_back("the API had to refuse " + std::to_string(api_->refused()) + " requests, and " +
                                    std::to_string(forgotten) + " may have been in flight when Redis forgot");
}

void World::count_paths(Result& result) const {
    using core::Metric;
    auto& paths = result.paths;
    for (const char* answer : {"ok", "fenced", "duplicate", "full"})
        paths[std::string("append ") + answer] = static_cast<std::int64_t>(telemetry_.total(Metric::advances, answer));
    // Not among them: `unknown` and `cancelled` need a Postgres that was set back, or a changed source file.
    for (const char* verdict : {"committed", "duplicate", "superseded", "finished", "fork", "gap"})
        paths[std::string("commit ") + verdict] = static_cast<std::int64_t>(telemetry_.total(Metric::commits, verdict));
    paths["job claimed"] = static_cast<std::int64_t>(telemetry_.total(Metric::jobs_claimed));
    // Not among them: `same` needs a Redis of which a part was lost.
    for (const char* answer : {"offered", "waiting", "leased", "chained", "reseeded", "behind"})
        paths[std::string("offer ") + answer] = static_cast<std::int64_t>(telemetry_.total(Metric::seeds, answer));
    for (const char* shift : {"repeated", "reread", "skipped"})
        paths[std::string("page ") + shift] = static_cast<std::int64_t>(telemetry_.total(Metric::page_shifts, shift));
    for (const auto& [id, slice] : postgres_.held.done) {
        paths["walk shifted"] += slice.shifted && slice.outcome == "ok" ? 1 : 0;
        paths["walk cut"] += slice.outcome == "truncated" ? 1 : 0;
    }
    for (const auto& event : fate_.events())
        if (event.fault == Fault::reply_lost && event.what == "commit") ++paths["commit in doubt"];
}

}  // namespace

Result simulate(std::uint64_t seed, Mutation mutation, const std::set<int>& left_out) {
    World world(seed, mutation, left_out);
    return world.run();
}

std::set<int> shrink(std::uint64_t seed, Mutation mutation, const Result& failed) {
    std::set<int> left_out;
    auto events = failed.events;
    for (std::size_t size = std::max<std::size_t>(1, events.size() / 2); size >= 1; size /= 2) {
        for (std::size_t begin = 0; begin < events.size();) {
            auto attempt = left_out;
            for (std::size_t i = begin; i < std::min(events.size(), begin + size); ++i) attempt.insert(events[i].number);
            const auto result = simulate(seed, mutation, attempt);
            if (result.violations.empty()) {
                begin += size;
                continue;
            }
            left_out = std::move(attempt);
            events = result.events;
        }
        if (size == 1) break;
    }
    return left_out;
}

}  // namespace pawl::simulation
