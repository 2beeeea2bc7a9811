#pragma once

#include <algorithm>
#include <cctype>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "collector/http.hpp"
#include "core/errors.hpp"
#include "core/random.hpp"
#include "queue/frontiers.hpp"
#include "queue/quota.hpp"
#include "storage/catalogue.hpp"
#include "tests/collector/virtual_time.hpp"
#include "tests/fakes/memory_http.hpp"

/// Small ports in memory: what a walk and a planner need of Redis, Postgres and an API.
namespace pawl::test {

/// The frontiers of one source, without time: leases lapse only when a test says so.
class FakeFrontiers final : public queue::Frontiers {
  public:
    struct Frontier {
        core::SliceDescriptor slice;
        std::int64_t seq = 0;
        core::Link link;
        std::optional<std::string> cursor;
        bool done = false, waiting = false, lapsed = false;
        core::Nonce nonce;
        int attempts = 0;
    };
    std::map<core::SliceId, Frontier> frontiers;
    std::vector<core::Job> jobs;             // as appended
    std::vector<queue::Offer> offered;       // every offer made
    std::deque<queue::OfferAnswer> answers;  // given to offers before the natural ones
    int full_answers = 0;                    // advance says full so often
    int lost_replies = 0;                    // advance takes the page, and the reply is lost
    bool down = false;
    std::optional<Instance> known;
    Past adopted_past = Past::unknown;
    std::vector<core::SliceId> released, forgotten, renewed;
    std::set<core::SliceId> stolen;  // renew says they are no longer ours
    core::SeededRandom random{7};

    void must_answer() const {
        if (down) throw core::TransientError("Redis is down");
    }
    core::Task<std::optional<Instance>> instance() override {
        must_answer();
        co_return known;
    }
    core::Task<Instance> adopt(core::Token instance, bool override_other, Past past) override {
        must_answer();
        adopted_past = past;
        if (!known || override_other) known = Instance{instance, core::Token::random(random)};
        co_return *known;
    }
    core::Task<std::vector<queue::OfferAnswer>> offer(std::vector<queue::Offer> offers) override {
        must_answer();
        std::vector<queue::OfferAnswer> out;
        for (auto& one : offers) {
            offered.push_back(one);
            auto answer = queue::OfferAnswer::waiting;
            if (!answers.empty()) {
                answer = answers.front();
                answers.pop_front();
            } else if (!frontiers.contains(one.slice.slice)) {
                answer = queue::OfferAnswer::offered;
                Frontier made;
                made.slice = one.slice;
                made.seq = one.tip.seq;
                made.link = one.tip.link;
                made.cursor = one.tip.cursor;
                made.waiting = true;
                frontiers.emplace(one.slice.slice, made);
            }
            out.push_back(answer);
        }
        co_return out;
    }
    core::Task<std::vector<queue::Lease>> lease(std::string, std::size_t count,
                                                core::Millis, core::SliceClass) override {
        must_answer();
        std::vector<queue::Lease> leases;
        for (auto& [slice, frontier] : frontiers) {
            if (leases.size() == count || !frontier.waiting) continue;
            frontier.waiting = false;
            frontier.nonce = core::Nonce::random(random);
            queue::Lease made;
            made.slice = frontier.slice;
            made.nonce = frontier.nonce;
            made.seq = frontier.seq;
            made.link = frontier.link;
            made.cursor = frontier.cursor;
            made.attempts = frontier.attempts;
            made.lapsed = frontier.lapsed;
            leases.push_back(made);
        }
        co_return leases;
    }
    core::Task<std::vector<core::SliceId>> renew(
        std::vector<std::pair<core::SliceId, core::Nonce>> leases, core::Millis) override {
        must_answer();
        std::vector<core::SliceId> lost;
        for (const auto& [slice, nonce] : leases) {
            renewed.push_back(slice);
            if (stolen.contains(slice) || frontiers[slice].nonce != nonce) lost.push_back(slice);
        }
        co_return lost;
    }
    core::Task<> release(core::SliceId slice, core::Nonce nonce) override {
        must_answer();
        released.push_back(slice);
        auto& frontier = frontiers[slice];
        if (frontier.nonce != nonce) co_return;
        frontier.nonce = {};
        frontier.waiting = true;
    }
    core::Task<std::int64_t> reclaim(std::string) override {
        must_answer();
        co_return 0;
    }
    core::Task<int> count_attempt(core::SliceId slice, core::Nonce) override {
        must_answer();
        co_return ++frontiers[slice].attempts;
    }
    core::Task<queue::Advance> advance(core::Job job, core::Nonce nonce, std::string,
                                       core::Millis) override {
        must_answer();
        auto& frontier = frontiers[job.slice];
        if (frontier.link == job.link) co_return queue::Advance::duplicate;
        if (frontier.nonce != nonce || frontier.link != job.previous || job.seq != frontier.seq + 1)
            co_return queue::Advance::fenced;
        if (full_answers > 0) {
            --full_answers;
            co_return queue::Advance::full;
        }
        frontier.seq = job.seq;
        frontier.link = job.link;
        frontier.cursor = job.next_cursor;
        frontier.done = job.last;
        frontier.attempts = 0;
        jobs.push_back(std::move(job));
        if (lost_replies > 0) {
            --lost_replies;
            throw core::TransientError("reply lost", true);
        }
        co_return queue::Advance::ok;
    }
    core::Task<queue::FrontierTotals> totals() override {
        must_answer();
        queue::FrontierTotals totals;
        for (const auto& [slice, frontier] : frontiers)
            totals.of(core::SliceClass::live) += frontier.waiting ? 1 : 0;
        co_return totals;
    }
    core::Task<std::vector<queue::FrontierView>> view(std::vector<core::SliceId>) override {
        co_return std::vector<queue::FrontierView>{};
    }
    core::Task<> forget(std::vector<core::SliceId> slices) override {
        forgotten.insert(forgotten.end(), slices.begin(), slices.end());
        co_return;
    }
};

/// Grants at once, unless told to make walks wait.
class FakeQuota final : public queue::Quota {
  public:
    explicit FakeQuota(VirtualTime& time) : time_(time) {}
    std::deque<queue::Wait> waits;                 // answered before grants
    std::vector<std::vector<queue::Payer>> asked;  // granted ones
    std::vector<queue::Settlement> settlements;
    std::map<std::string, std::string> quarantined_keys, known_owners;
    queue::Weights set_weights;
    core::Micros weights_take{0};
    bool down = false;
    core::Micros opens_at{0};  // a window that is spent until then
    int reserve_calls = 0;

    core::Task<std::variant<queue::Granted, queue::Wait>> reserve(std::vector<queue::Payer> payers,
                                                                  std::size_t) override {
        if (down) throw core::TransientError("Redis is down");
        ++reserve_calls;
        if (time_.passed() < opens_at)
            co_return queue::Wait{std::chrono::ceil<core::Millis>(opens_at - time_.passed()), "core", ""};
        if (!waits.empty()) {
            auto wait = waits.front();
            waits.pop_front();
            co_return wait;
        }
        queue::Granted granted;
        granted.reservation = "r" + std::to_string(asked.size() + 1);
        granted.at_us = time_.now().time_since_epoch().count();
        granted.deadline = std::chrono::seconds(10);
        asked.push_back(std::move(payers));
        co_return granted;
    }
    core::Task<> settle(queue::Settlement settlement) override {
        if (down) throw core::TransientError("Redis is down");
        settlements.push_back(std::move(settlement));
        co_return;
    }
    core::Task<> quarantine(std::string key, std::string reason) override {
        quarantined_keys[key] = reason;
        co_return;
    }
    core::Task<std::map<std::string, std::string>> quarantined() override {
        auto keys = quarantined_keys;
        co_return keys;
    }
    core::Task<> unquarantine(std::string key) override {
        quarantined_keys.erase(key);
        co_return;
    }
    core::Task<queue::Weights> weights() override {
        const auto take = weights_take;
        co_await time_.sleep(take);
        auto weights = set_weights;
        co_return weights;
    }
    core::Task<> set_weight(core::SliceClass slice_class, std::int64_t weight) override {
        set_weights[slice_class] = weight;
        co_return;
    }
    core::Task<std::map<std::string, std::string>> owners() override {
        auto owners = known_owners;
        co_return owners;
    }
    core::Task<> set_owner(std::string fingerprint, std::string owner) override {
        known_owners[fingerprint] = owner;
        co_return;
    }
    core::Task<std::vector<queue::LimitView>> view() override {
        co_return std::vector<queue::LimitView>{};
    }

  private:
    VirtualTime& time_;
};

/// A catalogue that answers what a test puts into it.
class FakeCatalogue final : public storage::Catalogue {
  public:
    storage::Registration registration;
    std::vector<storage::DueSlice> due;  // due_slices hands out and mark_offered removes them
    std::int64_t startable = 0;          // start_walks makes a due slice of each
    std::vector<core::Tip> tips;         // open_tips
    std::vector<storage::Validator> known_validators;
    std::deque<Scan> scans;  // scan_table; then: nothing, at the end
    std::function<void()> on_scan;
    Remaining left;
    std::optional<core::WallTime> fired_at;
    std::vector<std::vector<std::string>> fell_due;
    std::vector<std::size_t> limits_asked;
    std::vector<std::string> streams_asked;  // of due_slices and start_walks, the last time
    std::optional<core::SliceClass> class_scanned;
    core::Token epoch_asked;
    bool lock = true, down = false;
    int registered = 0, scanned = 0;
    core::SliceId next_slice = 100;

    void must_answer() const {
        if (down) throw core::TransientError("Postgres is down");
    }
    core::Task<storage::Registration> register_source(
        std::shared_ptr<const core::SourceFile>) override {
        must_answer();
        ++registered;
        co_return registration;
    }
    core::Task<bool> hold_planner_lock(std::string) override {
        must_answer();
        co_return lock;
    }
    core::Task<> release_planner_lock(std::string) override { co_return; }
    core::Task<std::int64_t> fall_due(std::string, std::vector<std::string> streams) override {
        fell_due.push_back(std::move(streams));
        co_return 1;
    }
    core::Task<std::optional<core::WallTime>> last_schedule(std::string) override {
        co_return fired_at;
    }
    core::Task<> note_schedule(std::string, core::WallTime at) override {
        fired_at = at;
        co_return;
    }
    core::Task<Scan> scan_table(std::shared_ptr<const core::SourceFile>, std::string,
                                std::optional<std::string>, std::size_t,
                                core::SliceClass slice_class) override {
        ++scanned;
        class_scanned = slice_class;
        if (on_scan) on_scan();
        Scan scan;
        if (!scans.empty()) {
            scan = scans.front();
            scans.pop_front();
        }
        co_return scan;
    }
    core::Task<std::int64_t> start_walks(std::string, std::vector<std::string> streams,
                                         std::size_t limit, core::SliceClass) override {
        if (streams != streams_asked) throw std::logic_error("walks of other streams are started");
        const auto count = std::min<std::int64_t>(startable, static_cast<std::int64_t>(limit));
        for (std::int64_t i = 0; i < count; ++i) {
            storage::DueSlice made;
            made.slice.slice = made.tip.slice = next_slice++;
            due.push_back(made);
        }
        startable -= count;
        co_return count;
    }
    core::Task<std::vector<storage::DueSlice>> due_slices(std::string,
                                                          std::vector<std::string> streams,
                                                          core::Token epoch,
                                                          std::size_t limit) override {
        must_answer();
        streams_asked = std::move(streams);
        epoch_asked = epoch;
        limits_asked.push_back(limit);
        auto some = due;
        if (some.size() > limit) some.resize(limit);
        co_return some;
    }
    core::Task<> mark_offered(std::vector<core::SliceId> slices, core::Token,
                              core::Millis) override {
        for (const auto slice : slices)
            std::erase_if(due, [slice](const auto& one) { return one.slice.slice == slice; });
        co_return;
    }
    core::Task<std::vector<core::Tip>> open_tips(std::vector<core::SliceId>) override {
        co_return tips;
    }
    core::Task<std::vector<storage::Validator>> validators(std::int64_t) override {
        must_answer();
        co_return known_validators;
    }
    core::Task<Remaining> remaining(std::string, std::vector<std::string>) override {
        must_answer();
        co_return left;
    }
};

/// An API that is a function from requests to responses; remembers what it was asked.
class ScriptedHttp final : public collector::Http {
  public:
    explicit ScriptedHttp(VirtualTime& time) : time_(time) {}
    std::function<collector::HttpResult(const collector::HttpRequest&)> answer;
    std::vector<collector::HttpRequest> asked;
    core::Micros latency = std::chrono::milliseconds(20);
    std::function<void()> meanwhile;  // happens while a response is under way

    core::Task<collector::HttpResult> fetch(collector::HttpRequest request) override {
        asked.push_back(request);
        co_await time_.sleep(latency);
        if (meanwhile) meanwhile();
        co_return as_delivered(answer(request), request);
    }

  private:
    VirtualTime& time_;
};

[[nodiscard]] inline collector::HttpResponse respond(int status, std::string body,
                                                     collector::Headers headers = {}) {
    collector::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    response.wire_bytes = response.body.size();
    return response;
}

/// `lower_case_name` in any case; "" when it was not sent.
[[nodiscard]] inline std::string header_sent(const collector::HttpRequest& request,
                                             std::string_view lower_case_name) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    };
    for (const auto& [name, value] : request.headers)
        if (std::equal(name.begin(), name.end(), lower_case_name.begin(), lower_case_name.end(),
                       same))
            return value;
    return {};
}

}  // namespace pawl::test
