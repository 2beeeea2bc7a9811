#include "storage/counts.hpp"

#include <algorithm>
#include <map>

namespace pawl::storage {

namespace {

/// What an upsert did, by number of the page.
struct Tally {
    std::int64_t winners = 0, to_write = 0, same = 0, stale = 0, inserted = 0, updated = 0, deleted = 0;
};

std::vector<Tally> read_tallies(const PqResult& rows, const std::vector<BatchPage>& by_time) {
    std::map<std::int64_t, std::size_t> number_of;
    for (std::size_t i = 0; i < by_time.size(); ++i)
        number_of[core::page_id(by_time[i].page->job.slice, by_time[i].page->job.seq)] = i;
    std::vector<Tally> tallies(by_time.size());
    std::int64_t to_advance = 0, advanced = 0;
    for (int row = 0; row < rows.rows(); ++row) {
        const std::string_view what = rows.text(row, 0);
        if (what.empty()) continue;
        const std::int64_t which = rows.integer(row, 1), count = rows.integer(row, 2);
        if (what == "x") {
            if (which != count) throw SqlError("40001", "Rows changed under the writer");
            continue;
        }
        const bool by_id = what == "I" || what == "U";
        Tally& tally =
            tallies.at(by_id ? number_of.at(which) : static_cast<std::size_t>(which - 1));
        if (!by_id && what != "A" && what != "d") tally.winners += count;
        if (what == "d") tally.deleted += count;
        if (what == "i" || what == "u") tally.to_write += count;
        if (what == "n" || what == "a") tally.same += count;
        if (what == "s") tally.stale += count;
        if (what == "I") tally.inserted += count;
        if (what == "U") tally.updated += count;
        if (what == "a") to_advance += count;
        if (what == "A") advanced += count;
    }
    if (advanced != to_advance) throw SqlError("40001", "Rows changed under the writer");
    return tallies;
}

}  // namespace

void count_upsert(const Stage& stage, const PqResult& rows, const std::vector<BatchPage>& by_time) {
    const std::vector<Tally> tallies = read_tallies(rows, by_time);
    const bool keyless = stage.target.key.empty();
    const bool fills = stage.target.merge == core::Emit::Merge::fill_null;
    for (std::size_t i = 0; i < by_time.size(); ++i) {
        if (stage.staged[i] == 0) continue;
        const Tally& tally = tallies[i];
        PageResult::Counts& counts = by_time[i].result->emits[stage.emit];
        counts.inserted = tally.inserted;
        counts.updated = tally.updated;
        counts.deleted += tally.deleted;
        if (keyless) continue;
        const std::int64_t refused =
            tally.to_write - tally.inserted - tally.updated;  // another writer was faster
        counts.same = tally.same + (fills ? refused : 0);
        counts.stale = tally.stale + (fills ? 0 : refused);
        counts.duplicate = stage.staged[i] - tally.winners;
    }
}

void begin_counts(const std::vector<BatchPage>& pages) {
    for (const BatchPage& entry : pages) {
        *entry.result = PageResult{};
        if (entry.page->dead_reason) continue;
        entry.result->emits.resize(entry.stream->emits.size());
        if (!has_rows(*entry.page)) continue;
        for (const core::EmitRows& rows : entry.page->rows.emits) {
            if (rows.emit >= entry.result->emits.size()) continue;
            PageResult::Counts& counts = entry.result->emits[rows.emit];
            const auto bad = static_cast<std::int64_t>(rows.rejected.size());
            const auto good = static_cast<std::int64_t>(rows.row_count());
            counts.read = std::max(rows.read, good + bad);
            counts.rejected = counts.read - good;
        }
    }
}

}  // namespace pawl::storage
