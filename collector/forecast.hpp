#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/accounts.hpp"
#include "collector/demand.hpp"
#include "core/clock.hpp"
#include "core/source_file.hpp"
#include "queue/quota.hpp"

/// When requests will have been made, and what they wait for. Pure.
namespace pawl::collector {

/// Requests of one stream. Any one of the payers pays for a request, in all of its limits.
struct Load {
    std::string stream;
    std::int64_t requests = 0;
    std::int64_t slices = 0;   ///< as many can be walked at once
    std::int64_t longest = 0;  ///< most requests of one slice, one after the other
    std::vector<queue::Payer> payers;
};

/// What there is to make them with.
struct Supply {
    std::vector<queue::LimitView> ledger;  ///< as the quota ledger has it; a limit that is not in it is unspent
    std::int64_t walks_max = 64;           ///< slices walked at once, over all processes
    double latency_seconds = 0.25;         ///< of one request
    core::WallTime now;                    ///< Redis's time, for windows of the clock
};

struct StreamForecast {
    std::string stream;
    std::optional<double> seconds;    ///< until its last request; nothing: never, since nobody can pay
    std::string bound_by;             ///< what it waits for most of that time: name of a limit, "latency"; "" : nothing to do
    std::vector<std::string> limits;  ///< that its requests take from
};

/// One limit with a rate, over all that pay into it.
struct BucketForecast {
    std::string name;
    std::int64_t owners = 0;         ///< that it is counted for: 1 where it is the source's
    std::int64_t units = 0;          ///< that are needed
    std::int64_t remaining = 0;      ///< units that can be had at once, now
    std::int64_t allowed = 0;        ///< units per period, of all owners together
    double period_seconds = 0;
};

struct Forecast {
    std::vector<StreamForecast> streams;  ///< in the order of the loads
    std::vector<BucketForecast> buckets;  ///< in the order in which the loads name them
    std::optional<double> seconds;        ///< until all is done; nothing: never
    std::string bound_by;
    std::int64_t requests = 0;
};

/// The loads of these demands when these keys pay (one of each account, where budgets are not per key); none: requests
/// with credentials are taken for those of one account. `now` as in Supply.
[[nodiscard]] std::vector<Load> loads_of(const core::SourceFile& source, const std::vector<Demand>& demands,
                                         const std::vector<Paying>& keys, core::WallTime now);

/// Follows the flow of requests from one event to the next: a budget is spent, a window opens, a stream has ended.
/// Streams run side by side, in proportion to what each has left; a stream whose limits hold it back leaves the rest to
/// the others. Retries and free responses are not foreseen.
[[nodiscard]] Forecast forecast(const std::vector<Load>& loads, const Supply& supply);

}  // namespace pawl::collector
