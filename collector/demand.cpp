#include "collector/demand.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "collector/plan.hpp"
#include "core/expectation.hpp"

namespace pawl::collector {

namespace {

using core::Foreach;
using storage::SliceSum;
using storage::StreamBacklog;

bool emits_into(const core::Stream& stream, const std::string& table) {
    return std::any_of(stream.emits.begin(), stream.emits.end(),
                       [&](const core::Emit& emit) { return emit.table == table; });
}

/// Streams whose rows become partitions of `stream`.
std::vector<std::string> feeders_of(const core::SourceFile& source, const core::Stream& stream) {
    std::vector<std::string> feeders;
    if (stream.foreach_.kind == Foreach::Kind::stream) feeders.push_back(stream.foreach_.stream);
    if (stream.foreach_.kind == Foreach::Kind::table)
        for (const auto& other : source.streams)
            if (other.name != stream.name && emits_into(other, stream.foreach_.table)) feeders.push_back(other.name);
    return feeders;
}

constexpr std::int64_t entries_looked_at = 100'000;  // of a range, the first ones tell

/// Entries of the file that the catalogue does not know yet: due as soon as the source is registered.
SliceSum new_entries(const core::Stream& stream, const StreamBacklog& backlog) {
    SliceSum sum;
    const bool in_file = stream.foreach_.kind == Foreach::Kind::once || stream.foreach_.kind == Foreach::Kind::list;
    if (!in_file) return sum;
    const std::int64_t entries = stream.foreach_.entries();
    sum.slices = std::max<std::int64_t>(0, entries - backlog.partitions);
    if (backlog.partitions > 0) return sum;  // which of them are new is not known here
    for (std::int64_t i = 0; i < std::min(entries, entries_looked_at); ++i) {
        const auto records = core::expected_records(stream, "{}", stream.foreach_.entry(i));
        const auto requests = records ? core::requests_for(stream, *records) : std::nullopt;
        if (!requests) continue;
        ++sum.told;
        sum.told_requests += *requests;
        sum.told_longest = std::max(sum.told_longest, *requests);
    }
    return sum;
}

/// What the streams of one source ask, worked out together: their demands follow from one another.
class Demands {
  public:
    Demands(const core::SourceFile& source, const std::vector<std::string>& asked,
            const storage::SourceBacklog& backlog, Round round)
        : source_(source), backlog_(backlog) {
        const auto named = root_streams(source, asked);
        const std::set<std::string> roots(named.begin(), named.end());
        bool is_idle = round == Round::next;
        for (const auto& stream : backlog.streams) {
            auto& entry = entries_.emplace_back();
            entry.stream = source.find(stream.stream);
            entry.backlog = &stream;
            entry.is_root = roots.contains(stream.stream);
            if (round == Round::next) entry.fresh = new_entries(*entry.stream, stream);
            is_idle = is_idle && stream.open.slices + stream.due.slices + entry.fresh.slices == 0;
        }
        is_new_round_ = is_idle;
    }

    std::vector<Demand> run() {
        find_busy();
        std::vector<Demand> demands;
        for (const auto& entry : entries_) demands.push_back(demand_of(entry));
        return demands;
    }

  private:
    struct Entry {
        const core::Stream* stream = nullptr;
        const StreamBacklog* backlog = nullptr;
        SliceSum fresh = {};
        bool is_root = false;
    };

    /// Streams that will ask something: by themselves, or since a stream does whose rows they follow.
    void find_busy() {
        for (const auto& entry : entries_) {
            const auto& b = *entry.backlog;
            const auto own = b.open.slices + b.due.slices + b.rows.slices + entry.fresh.slices;
            const bool rests = is_new_round_ && entry.is_root && b.resting.slices > 0;
            if (own > 0 || rests) busy_.insert(b.stream);
        }
        for (std::size_t pass = 0; pass < entries_.size(); ++pass)
            for (const auto& entry : entries_)
                if (!busy_feeders(entry).empty()) busy_.insert(entry.backlog->stream);
    }

    std::vector<std::string> busy_feeders(const Entry& entry) const {
        auto feeders = feeders_of(source_, *entry.stream);
        std::erase_if(feeders, [&](const std::string& name) { return !busy_.contains(name); });
        return feeders;
    }

    Demand demand_of(const Entry& entry) const {
        const auto& b = *entry.backlog;
        Demand demand;
        demand.stream = b.stream;
        const auto feeders = busy_feeders(entry);
        const bool seen_again = entry.stream->foreach_.kind == Foreach::Kind::stream && !feeders.empty();
        SliceSum all;
        for (const auto* sum : {&b.open, &b.due, &b.rows, &entry.fresh}) add(all, *sum);
        if (is_new_round_ && (entry.is_root || seen_again)) add(all, b.resting);
        count(*entry.stream, b, all, demand);
        if (feeders.empty()) return demand;
        std::string names;
        for (const auto& feeder : feeders) names += (names.empty() ? "`" : ", `") + feeder + "`";
        // In a new round the rows are mostly those of the last; else what the feeder brings is not here yet.
        if (is_new_round_ && seen_again && b.resting.slices > 0)
            demand.note = "as many as before; new rows of " + names + " come on top";
        else
            demand.unknown = all.slices == 0 ? "not known before " + names + " has run" : "more come from " + names;
        return demand;
    }

    static void add(SliceSum& all, const SliceSum& more) {
        all.slices += more.slices;
        all.told += more.told;
        all.told_requests += more.told_requests;
        all.told_longest = std::max(all.told_longest, more.told_longest);
        all.untold_pages += more.untold_pages;
    }

    /// Counts where `expect` says them, else what walks of this stream took so far.
    static void count(const core::Stream& stream, const StreamBacklog& past, const SliceSum& all, Demand& demand) {
        const auto untold = all.slices - all.told;
        demand.slices = all.slices;
        demand.requests = all.told_requests + untold;
        demand.longest = std::max<std::int64_t>(all.told_longest, untold > 0 ? 1 : 0);
        if (untold == 0 || stream.paginate.kind == core::Pagination::Kind::none) return;
        if (past.ended_slices == 0) {
            demand.unknown = "pages of a walk are not known before the first has ended";
            return;
        }
        const double average = std::clamp(static_cast<double>(past.ended_pages) / static_cast<double>(past.ended_slices),
                                          1.0, static_cast<double>(stream.paginate.max_pages));
        const auto left = std::llround(average * static_cast<double>(untold)) - all.untold_pages;
        demand.requests = all.told_requests + std::max<std::int64_t>(untold, left);
        demand.longest = std::max<std::int64_t>(demand.longest, std::llround(std::ceil(average)));
        demand.note = "pages of a walk as on average before";
    }

    const core::SourceFile& source_;
    const storage::SourceBacklog& backlog_;
    std::vector<Entry> entries_;
    std::set<std::string> busy_;
    bool is_new_round_ = false;
};

}  // namespace

std::vector<Demand> demands_of(const core::SourceFile& source, const std::vector<std::string>& asked,
                               const storage::SourceBacklog& backlog, Round round) {
    return Demands(source, asked, backlog, round).run();
}

}  // namespace pawl::collector
