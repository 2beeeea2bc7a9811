#include "collector/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "collector/budget.hpp"
#include "collector/limits.hpp"
#include "core/errors.hpp"

namespace pawl::collector {

namespace {

constexpr double not_ever = std::numeric_limits<double>::infinity();
constexpr double few = 1e-6;       // requests: less is none
constexpr double trickle = 1e-9;   // requests per second: less is none
constexpr double tick = 1e-6;      // seconds: no event is nearer
constexpr int events_max = 4'000;  // then the rest goes on at the speed so far
constexpr const char* by_latency = "latency";

/// The request of a partition that stands for all of the stream: limits match by its path.
PageRequest request_like(const core::SourceFile& source, const core::Stream& stream) {
    core::SliceDescriptor slice;
    auto parent = nlohmann::json::object();
    for (const auto& column : stream.parent_columns) parent[column] = "x";
    slice.stream = stream.name;
    slice.parent = parent.dump();
    slice.list = stream.foreach_.entries() == 0 ? "{}" : stream.foreach_.entry(0);
    try {
        return page_request(source, stream, slice, std::nullopt);
    } catch (const core::PermanentError&) {  // the whole URL comes from the parent: taken for one of the API's own
        PageRequest request;
        request.url = source.base_url + "/";
        request.own_origin = true;
        request.with_credentials = stream.with_credentials && (source.credentials || source.auth);
        return request;
    }
}

/// Each account once, or each key where keys have budgets of their own; nobody where none is needed or known.
std::vector<Paying> payers_of(const std::vector<Paying>& keys, const PageRequest& request,
                              const std::vector<MatchedLimit>& limits) {
    if (!request.with_credentials || keys.empty()) return {Paying{}};
    const bool each_key = std::any_of(limits.begin(), limits.end(),
                                      [](const MatchedLimit& limit) { return limit.per == core::Limit::Per::key; });
    std::vector<Paying> payers;
    for (const auto& key : keys) {
        const auto is_same = [&](const Paying& payer) { return payer.owner == key.owner; };
        if (each_key || std::none_of(payers.begin(), payers.end(), is_same)) payers.push_back(key);
    }
    return payers;
}

/// The flow of requests through the budgets, from event to event.
class Flow {
  public:
    Flow(const std::vector<Load>& loads, const Supply& supply) : supply_(supply) {
        for (const auto& load : loads) add(load);
        for (const auto& view : supply.ledger)
            for (auto& budget : budgets_)
                if (budget.is(ask_of(view))) budget.start_from(view);
    }

    Forecast run(const std::vector<Load>& loads) {
        Forecast result;
        result.buckets = buckets(loads);  // as they stand now
        for (int event = 0; event < events_max && step(); ++event) continue;
        extrapolate();
        for (std::size_t i = 0; i < loads.size(); ++i) result.streams.push_back(told(loads[i], lanes_[i]));
        result.seconds = 0;
        for (std::size_t i = 0; i < loads.size(); ++i) {
            const auto& seconds = result.streams[i].seconds;
            result.requests += loads[i].requests;
            if (!seconds)
                result.seconds.reset();
            else if (result.seconds)
                result.seconds = std::max(*result.seconds, *seconds);
        }
        const auto last = std::max_element(result.streams.begin(), result.streams.end(), [](const auto& a, const auto& b) {
            return a.seconds.value_or(not_ever) < b.seconds.value_or(not_ever);
        });
        if (last != result.streams.end()) result.bound_by = last->bound_by;
        return result;
    }

  private:
    /// What one payer's request of a stream takes: budgets, and units of each.
    struct Way {
        std::vector<std::pair<std::size_t, double>> takes;
    };
    struct Lane {
        std::vector<Way> ways;
        double all = 0, left = 0, slices = 0;
        double ended_at = 0;
        std::map<std::string, double> waited;  ///< seconds by what bound it
        // of the present stretch:
        double rate = 0;
        bool is_held = false;
        std::string held_by;
    };

    static queue::LimitAsk ask_of(const queue::LimitView& view) {
        queue::LimitAsk ask;
        ask.name = view.name;
        ask.owner = view.owner;
        return ask;
    }

    void add(const Load& load) {
        Lane& lane = lanes_.emplace_back();
        lane.all = lane.left = static_cast<double>(load.requests);
        lane.slices = static_cast<double>(std::max<std::int64_t>(1, load.slices));
        for (const auto& payer : load.payers) {
            Way way;
            for (const auto& ask : payer.limits) {
                const auto index = budget_of(ask);
                way.takes.emplace_back(index, budgets_[index].units(ask.cost));
            }
            lane.ways.push_back(std::move(way));
        }
    }

    std::size_t budget_of(const queue::LimitAsk& ask) {
        const auto found =
            std::find_if(budgets_.begin(), budgets_.end(), [&](const Budget& budget) { return budget.is(ask); });
        if (found != budgets_.end()) return static_cast<std::size_t>(found - budgets_.begin());
        budgets_.emplace_back(ask, supply_.latency_seconds, supply_.now.time_since_epoch().count());
        return budgets_.size() - 1;
    }

    /// One stretch in which nothing changes. False: all is done, or nothing more will come.
    bool step() {
        double left = 0;
        for (const auto& lane : lanes_) left += lane.left;
        if (left <= few) return false;
        used_.assign(budgets_.size(), 0);
        used_requests_.assign(budgets_.size(), 0);
        share_out(speed());
        double stretch = not_ever;
        for (const auto& lane : lanes_)
            if (lane.rate > trickle) stretch = std::min(stretch, lane.left / lane.rate);
        for (std::size_t i = 0; i < budgets_.size(); ++i) {
            stretch = std::min(stretch, budgets_[i].lasts(used_[i]));
            stretch = std::min(stretch, budgets_[i].next_change(at_) - at_);
        }
        is_stalled_ = stretch == not_ever;
        if (is_stalled_) return false;
        pass(std::max(stretch, tick));
        return true;
    }

    /// Requests per second that latency allows: fewer slices than may be walked at once leave walks idle.
    double speed() const {
        double slices = 0;
        for (const auto& lane : lanes_)
            if (lane.left > few) slices += std::max(1.0, std::ceil(lane.slices * lane.left / lane.all));
        return std::min(slices, static_cast<double>(supply_.walks_max)) / std::max(supply_.latency_seconds, tick);
    }

    /// Deals `total` requests per second out to the streams; what one cannot take goes to the others.
    void share_out(double total) {
        for (auto& lane : lanes_) {
            lane.rate = 0;
            lane.is_held = lane.left <= few;
            lane.held_by.clear();
        }
        for (std::size_t round = 0; round <= lanes_.size() && total > trickle; ++round) {
            double weights = 0;
            for (const auto& lane : lanes_) weights += lane.is_held ? 0 : lane.left;
            if (weights <= 0) break;
            double dealt = 0;
            for (auto& lane : lanes_) {
                if (lane.is_held) continue;
                const double share = total * lane.left / weights;
                const double taken = take(lane, share);
                lane.rate += taken;
                dealt += taken;
                if (taken < share - trickle) lane.is_held = true;
            }
            total -= dealt;
        }
    }

    /// Spreads requests over the payers evenly, as far as each can pay.
    double take(Lane& lane, double wanted) {
        double taken = 0;
        std::vector<const Way*> open;
        for (const auto& way : lane.ways) open.push_back(&way);
        while (!open.empty() && wanted - taken > trickle) {
            const double each = (wanted - taken) / static_cast<double>(open.size());
            std::vector<const Way*> still;
            for (const auto* way : open) {
                const double paid = pay(lane, *way, each);
                taken += paid;
                if (paid >= each - trickle / 10) still.push_back(way);
            }
            open = std::move(still);
        }
        return taken;
    }

    double pay(Lane& lane, const Way& way, double wanted) {
        double able = wanted;
        for (const auto& [index, units] : way.takes) {
            const auto& budget = budgets_[index];
            const double room = budget.requests_per_second(units, at_) - used_in_requests(index, units);
            if (room >= able) continue;
            able = std::max(0.0, room);
            lane.held_by = budget.name();
        }
        for (const auto& [index, units] : way.takes) {
            used_[index] += able * units;
            used_requests_[index] += able;
        }
        return able;
    }

    /// What others take of a budget in this stretch, in requests of `units` each; a stock is there for all.
    double used_in_requests(std::size_t index, double units) const {
        const auto& budget = budgets_[index];
        const bool by_units = budget.has_rate() && budget.stock() <= few && units > 0;
        return by_units ? std::max(used_[index] / units, 0.0) : used_requests_[index];
    }

    void pass(double seconds) {
        for (auto& lane : lanes_) {
            if (lane.left <= few) continue;
            lane.waited[lane.is_held && !lane.held_by.empty() ? lane.held_by : by_latency] += seconds;
            lane.left = std::max(0.0, lane.left - lane.rate * seconds);
            if (lane.left > few) continue;
            lane.left = 0;
            lane.ended_at = at_ + seconds;
        }
        for (std::size_t i = 0; i < budgets_.size(); ++i) budgets_[i].pass(at_, seconds, used_[i]);
        at_ += seconds;
    }

    /// More windows than are worth following: the rest takes as long for each request as what went before.
    void extrapolate() {
        for (auto& lane : lanes_) {
            if (lane.left <= few) continue;
            const double done = lane.all - lane.left;
            lane.ended_at = !is_stalled_ && done > few && at_ > 0 ? at_ * lane.all / done : not_ever;
        }
    }

    StreamForecast told(const Load& load, const Lane& lane) const {
        StreamForecast stream;
        stream.stream = load.stream;
        for (const auto& payer : load.payers)
            for (const auto& ask : payer.limits)
                if (std::find(stream.limits.begin(), stream.limits.end(), ask.name) == stream.limits.end())
                    stream.limits.push_back(ask.name);
        if (load.requests == 0) {
            stream.seconds = 0;
            return stream;
        }
        double longest = 0;
        for (const auto& [what, seconds] : lane.waited)
            if (seconds > longest) {
                longest = seconds;
                stream.bound_by = what;
            }
        if (lane.ways.empty()) stream.bound_by = "no account";
        double seconds = lane.ended_at;
        const double one_by_one = static_cast<double>(load.longest) * supply_.latency_seconds;
        if (one_by_one > seconds) {
            seconds = one_by_one;
            stream.bound_by = by_latency;
        }
        if (seconds < not_ever) stream.seconds = seconds;
        return stream;
    }

    std::vector<BucketForecast> buckets(const std::vector<Load>& loads) const {
        std::vector<BucketForecast> all;
        for (const auto& budget : budgets_) {
            if (!budget.has_rate()) continue;
            auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == budget.name(); });
            if (found == all.end()) {
                all.push_back({.name = budget.name(), .period_seconds = budget.period_seconds()});
                found = all.end() - 1;
            }
            ++found->owners;
            found->allowed += budget.units_per_period();
            found->remaining += static_cast<std::int64_t>(budget.stock());
        }
        for (const auto& load : loads) {
            if (load.payers.empty()) continue;
            for (const auto& ask : load.payers.front().limits)  // payers differ in owners, not in limits
                for (auto& bucket : all)
                    if (bucket.name == ask.name) bucket.units += load.requests * ask.cost;
        }
        return all;
    }

    const Supply& supply_;
    std::vector<Budget> budgets_;
    std::vector<Lane> lanes_;
    std::vector<double> used_, used_requests_;  // per budget and second, in the present stretch
    double at_ = 0;
    bool is_stalled_ = false;
};

}  // namespace

std::vector<Load> loads_of(const core::SourceFile& source, const std::vector<Demand>& demands,
                           const std::vector<Paying>& keys, core::WallTime now) {
    std::vector<Load> loads;
    for (const auto& demand : demands) {
        const core::Stream* stream = source.find(demand.stream);
        if (stream == nullptr) continue;
        Load load{demand.stream, demand.requests, demand.slices, demand.longest, {}};
        const auto request = request_like(source, *stream);
        const auto limits = matching_limits(source, *stream, request, {}, now);
        for (const auto& payer : payers_of(keys, request, limits))
            load.payers.push_back({.owner = payer.owner, .limits = asks_for(limits, payer), .key = payer.key});
        loads.push_back(std::move(load));
    }
    return loads;
}

Forecast forecast(const std::vector<Load>& loads, const Supply& supply) { return Flow(loads, supply).run(loads); }

}  // namespace pawl::collector
