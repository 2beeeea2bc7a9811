#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/named_values.hpp"
#include "storage/finish.hpp"
#include "storage/staging.hpp"
#include "storage/tip_verdict.hpp"
#include "tests/fakes/memory_store.hpp"

namespace pawl::test {

using storage::PageCommit;
using storage::PageResult;
using storage::Verdict;
using Held = MemoryStore::Held;
using Slice = MemoryStore::Slice;

namespace {

using Cells = std::map<std::string, std::optional<std::string>>;

PageResult told(Verdict verdict, std::string reason) {
    PageResult result;
    result.verdict = verdict;
    result.reason = std::move(reason);
    return result;
}

std::string joined(const Cells& cells, const std::vector<std::string>& columns) {
    std::string text;
    for (const auto& column : columns) {
        const auto found = cells.find(column);
        text += (found == cells.end() ? "" : found->second.value_or("")) + '\x1f';
    }
    return text;
}

Cells cells_of(const core::EmitRows& rows, std::size_t row) {
    Cells cells;
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
        const auto& value = rows.cells[row * rows.columns.size() + i];
        cells[rows.columns[i]] = value.is_null() ? std::nullopt : std::optional(std::string(value.text));
    }
    return cells;
}

/// One row into a keyed table, by the emit's merge rule.
void merge(MemoryStore::Table& table, const core::Emit& emit, Cells cells, std::pair<std::int64_t, std::int64_t> version,
           core::SliceId slice, PageResult::Counts& counts) {
    const auto [found, is_new] = table.keyed.try_emplace(joined(cells, emit.key));
    auto& row = found->second;
    if (is_new) {
        row = {std::move(cells), version, slice};
        ++counts.inserted;
        return;
    }
    if (emit.merge == core::Emit::Merge::fill_null) {
        bool filled = false;
        for (auto& [column, value] : cells) {
            auto& there = row.cells[column];
            if (there || !value) continue;
            there = value;
            filled = true;
        }
        ++(filled ? counts.updated : counts.same);
        return;
    }
    if (version < row.version) {
        ++counts.stale;
        return;
    }
    bool differs = false;
    for (auto& [column, value] : cells) {
        auto& there = row.cells[column];
        differs = differs || there != value;
        there = value;
    }
    row.version = version;
    row.slice = slice;
    ++(differs ? counts.updated : counts.same);
}

void see(MemoryStore::Row& row, std::int64_t at) {
    row.seen = std::max(row.seen, at);
    if (row.deleted_at && *row.deleted_at <= at) row.deleted_at.reset();
}

/// One record into a table with history. The counts are those of storage/history_statement.hpp.
void sight(MemoryStore::History& history, Cells cells, std::pair<std::int64_t, std::int64_t> version, std::int64_t requested_at,
           PageResult::Counts& counts) {
    const auto before = history.rows();
    const auto [at, page] = version;
    history.seen = std::max(history.seen, requested_at);
    const auto known = history.sightings.find(at);
    if (known != history.sightings.end() && known->second.first > page) {
        ++counts.stale;
        return;
    }
    history.sightings[at] = {page, cells};
    const auto after = history.rows();
    const auto old = before.find(at);
    const bool begins = after.contains(at), is_new = begins && old == before.end();
    ++(is_new ? counts.inserted : begins && old->second != cells ? counts.updated : counts.same);
    counts.deleted += (is_new ? 1 : 0) + static_cast<std::int64_t>(before.size()) - static_cast<std::int64_t>(after.size());
}

PageResult::Counts write_emit(Held& held, const core::Stream& stream, const core::EmitRows& rows, const core::Job& job) {
    const auto& emit = stream.emits[rows.emit];
    auto& table = held.tables[emit.table];
    PageResult::Counts counts;
    counts.read = rows.read;
    counts.rejected = static_cast<std::int64_t>(rows.rejected.size());
    const bool keeps_versions = emit.merge == core::Emit::Merge::history && !rows.versions.empty();
    const auto row_key = [&](std::size_t i) {
        return joined(cells_of(rows, i), emit.key) + (keeps_versions ? std::to_string(rows.versions[i]) : "");
    };
    std::map<std::string, std::size_t> last_of_key;  // of several rows with one key in a page the last counts
    for (std::size_t i = 0; i < rows.row_count(); ++i) last_of_key[row_key(i)] = i;
    for (std::size_t i = 0; i < rows.row_count(); ++i) {
        auto cells = cells_of(rows, i);
        const auto at = rows.versions.empty() ? job.requested_at : rows.versions[i];
        const std::pair<std::int64_t, std::int64_t> version{at, core::page_id(job.slice, job.seq)};
        if (emit.key.empty()) {
            table.keyless.push_back({std::move(cells), version, job.slice});
            ++counts.inserted;
        } else if (last_of_key.at(row_key(i)) != i) {
            ++counts.duplicate;
        } else if (emit.merge == core::Emit::Merge::history) {
            const auto key = joined(cells, emit.key);
            sight(table.history[key], std::move(cells), version, job.requested_at, counts);
        } else {
            const auto key = joined(cells, emit.key);
            merge(table, emit, std::move(cells), version, job.slice, counts);
            see(table.keyed.at(key), job.requested_at);
        }
    }
    return counts;
}

/// At a walk's last page: what older walks of the same partition left in tables that are replaced as a whole.
void replace_older(Held& held, const core::Stream& stream, const Slice& slice, core::Outcome outcome) {
    const bool ok = outcome == core::Outcome::ok;
    if (!ok && outcome != core::Outcome::truncated) return;
    std::set<core::SliceId> older;
    for (const auto& [id, done] : held.done)
        if (done.partition == slice.partition && id < slice.id) older.insert(id);
    for (const auto& emit : stream.emits) {
        auto& table = held.tables[emit.table];
        if (emit.is_replaced_as_a_whole())
            std::erase_if(table.keyless, [&](const auto& row) { return older.contains(row.slice); });
        else if (ok && !emit.replace_by.empty() && !emit.sweeps())
            std::erase_if(table.keyed, [&](const auto& row) { return older.contains(row.second.slice); });
    }
}

bool is_in_scope(const core::Emit& emit, const core::EmitRows* rows, const Cells& cells) {
    if (emit.replace_by.empty()) return true;
    if (rows == nullptr || rows->replace_values.size() != emit.replace_by.size()) return false;
    for (std::size_t i = 0; i < emit.replace_by.size(); ++i) {
        const auto cell = cells.find(emit.replace_by[i]);
        const bool is_null = cell == cells.end() || !cell->second || rows->replace_values[i].is_null();
        if (is_null || *cell->second != rows->replace_values[i].text) return false;
    }
    return true;
}

/// Partitions of streams below that ask for this row, and for no other.
void retire_children(Held& held, const core::SourceFile& source, const core::Stream& stream, const core::Emit& emit,
                     const Cells& cells) {
    for (const auto& child : source.streams) {
        if (!core::feeds(stream, emit, child) || !child.foreach_.key_columns.empty() || child.foreach_.key_template) continue;
        std::string part;
        for (const auto& column : emit.key) part += (part.empty() ? "" : "/") + cells.at(column).value_or("");
        for (auto& [id, partition] : held.partitions)
            if (partition.stream == child.name && partition.part == part) partition.active = false;
    }
}

/// At the last page of a whole walk: rows that it stands for and did not show. `pages`: those before.
void sweep(Held& held, const core::SourceFile& source, const core::Stream& stream, const PageCommit& page,
           const std::vector<MemoryStore::Page>& pages, PageResult& result) {
    const auto& job = page.job;
    const auto is_dead = [](const auto& known) { return known.outcome == core::Outcome::dead; };
    if (!storage::ends_whole_walk(page) || std::any_of(pages.begin(), pages.end(), is_dead)) return;
    const auto began = pages.empty() ? job.requested_at : pages.front().requested_at;
    for (std::size_t i = 0; i < stream.emits.size(); ++i) {
        const auto& emit = stream.emits[i];
        if (!emit.sweeps()) continue;
        const auto found = std::find_if(page.rows.emits.begin(), page.rows.emits.end(), [&](const auto& one) { return one.emit == i; });
        const core::EmitRows* rows = found == page.rows.emits.end() ? nullptr : &*found;
        for (auto& [key, history] : held.tables[emit.table].history) {
            const auto& [at, last] = *history.sightings.rbegin();
            if (history.seen >= began || !last.second || at >= job.requested_at || !is_in_scope(emit, rows, *last.second)) continue;
            retire_children(held, source, stream, emit, *last.second);
            history.sightings[job.requested_at] = {0, std::nullopt};
        }
        auto& keyed = held.tables[emit.table].keyed;
        for (auto at = keyed.begin(); at != keyed.end();) {
            auto& row = at->second;
            const bool is_absent = row.seen < began && !row.deleted_at &&
                                   is_in_scope(emit, rows, row.cells);
            if (is_absent) retire_children(held, source, stream, emit, row.cells);
            if (is_absent && emit.absent == core::Emit::Absent::remove) {
                at = keyed.erase(at);
                if (i < result.emits.size()) ++result.emits[i].deleted;
                continue;
            }
            if (is_absent) {
                row.deleted_at = job.requested_at;
                if (emit.merge == core::Emit::Merge::overwrite)
                    row.version = std::max(row.version, std::pair{job.requested_at, std::int64_t{0}});
            }
            ++at;
        }
    }
}

/// A slice of the partition's walk has ended.
void end_walk(MemoryStore::Partition& partition, const Slice& slice, std::int64_t now) {
    const bool good = slice.outcome == "ok" || slice.outcome == "not_modified" || slice.outcome == "empty";
    const bool is_read = good && !slice.shifted;
    if (!is_read && !slice.split && partition.mark_after && slice.window.lo)
        partition.mark_after = std::min(*partition.mark_after, *slice.window.lo);
    partition.open_windows = std::max(partition.open_windows - 1, 0);
    partition.walking = partition.open_windows > 0;
    partition.last_finished = now;
    partition.last_slice = slice.id;
    if (!partition.walking)
        partition.mark = std::max(partition.mark, partition.mark_after ? partition.mark_after : is_read ? slice.mark : std::nullopt);
    const bool again = slice.shifted && partition.rewalks < storage::rewalks_max;
    partition.next_due = again && !partition.walking ? std::optional(now) : std::nullopt;
    partition.rewalks = again ? partition.rewalks + 1 : 0;
}

}  // namespace

std::map<std::int64_t, Cells> MemoryStore::History::rows() const {
    std::map<std::int64_t, Cells> rows;
    const std::optional<Cells>* before = nullptr;
    for (const auto& [at, sighting] : sightings) {
        if (sighting.second && (before == nullptr || *before != sighting.second)) rows[at] = *sighting.second;
        before = &sighting.second;
    }
    return rows;
}

void MemoryPageStore::split_window(Held& held, const core::Stream& stream, const Slice& slice) {
    const auto halves = stream.incremental ? core::halves(*stream.incremental, slice.window) : std::nullopt;
    if (!halves) return;
    auto& partition = held.partitions.at(slice.partition);
    partition.open_windows = std::max(partition.open_windows, 1) + 2;
    for (const auto& half : {halves->first, halves->second})
        MemoryStore::begin_slice(held, partition, slice.request_hash, slice.slice_class, core::Link::random(store_.random), half,
                                 store_.now_us());
}

core::Task<std::vector<PageResult>> MemoryPageStore::commit(int, std::shared_ptr<const core::SourceFile> source,
                                                            std::shared_ptr<std::vector<PageCommit>> batch) {
    std::vector<PageResult> results;
    for (const auto& page : *batch) results.push_back(commit_page(*source, page));
    co_return results;
}

PageResult MemoryPageStore::commit_page(const core::SourceFile& source, const PageCommit& page) {
    const auto& job = page.job;
    Held next = store_.held;  // the transaction
    std::optional<storage::SliceState> state;
    const auto open = next.slices.find(job.slice);
    const auto done = next.done.find(job.slice);
    if (open != next.slices.end()) state = {open->second.state, open->second.tip_seq, open->second.tip_link};
    if (done != next.done.end()) state = {done->second.state, done->second.tip_seq, done->second.tip_link};
    std::optional<core::Link> ledger;
    for (const auto& known : next.ledger[job.slice])
        if (known.seq == job.seq) ledger = known.link;
    if (auto verdict = storage::judge(job, state, ledger)) return *verdict;

    auto& slice = open->second;
    const auto finish = [&](std::string end_state, std::string outcome) {
        slice.state = std::move(end_state);
        slice.outcome = std::move(outcome);
        auto& partition = next.partitions.at(slice.partition);
        if (partition.walk == slice.walk) end_walk(partition, slice, store_.now_us());
        next.done[slice.id] = slice;
        next.slices.erase(job.slice);
    };
    const auto& pages = next.ledger[job.slice];
    const bool is_cycle = job.cursor && std::any_of(pages.begin(), pages.end(),
                                                    [&](const auto& known) { return known.cursor == job.cursor; });
    if (is_cycle) {
        finish("stuck", "stuck");
        store_.held = std::move(next);
        return told(Verdict::stuck, "the cursor was asked for before");
    }

    PageResult result;
    const auto* stream = source.find(job.stream);
    if (page.dead_reason) next.dead_letters.push_back(job);
    if (stream && !page.dead_reason) {
        for (const auto& rows : page.rows.emits) result.emits.push_back(write_emit(next, *stream, rows, job));
        add_children(next, source, *stream, page, slice.slice_class);
    }
    std::int64_t records = 0;
    for (const auto& counts : result.emits) records += counts.read;
    next.ledger[job.slice].push_back({job.seq, job.link, job.previous, job.cursor, job.next_cursor,
                                      page.dead_reason ? core::Outcome::dead : job.outcome, records, job.requested_at});
    slice.tip_seq = job.seq;
    slice.tip_link = job.link;
    slice.tip_cursor = job.next_cursor;
    slice.offered_until = store_.now_us() + quiet_.count() * 1000;
    if (!job.validator_key.empty() && !page.dead_reason) {
        storage::Validator validator;
        validator.key = job.validator_key;
        validator.etag = job.etag;
        validator.last_modified = job.last_modified;
        validator.page_id = job.confirms != 0 ? job.confirms : core::page_id(job.slice, job.seq);
        validator.next_cursor = job.next_cursor;
        validator.last = job.last;
        next.validators[slice.partition].emplace_back(job.slice, std::move(validator));
    }
    slice.mark = std::max(slice.mark, page.rows.mark);
    if (job.last) {
        if (job.split && stream) split_window(next, *stream, slice);
        if (stream && !page.dead_reason) {
            replace_older(next, *stream, slice, job.outcome);
            const auto& all = next.ledger[job.slice];
            sweep(next, source, *stream, page, {all.begin(), std::prev(all.end())}, result);
        }
        std::string outcome = "ok";
        if (page.dead_reason) outcome = "dead";
        else if (job.outcome != core::Outcome::ok && job.outcome != core::Outcome::not_modified)
            outcome = std::string(core::to_string(job.outcome));
        else if (std::none_of(next.ledger[job.slice].begin(), next.ledger[job.slice].end(),
                              [](const auto& known) { return known.outcome == core::Outcome::ok; }))
            outcome = "not_modified";
        slice.shifted = job.rewalk;
        slice.split = job.split;
        finish("done", outcome);
    }
    store_.held = std::move(next);
    return result;
}

// Rows of the first emit become partitions of the streams below, and new partitions their first slice.
void MemoryPageStore::add_children(Held& held, const core::SourceFile& source, const core::Stream& stream,
                                   const PageCommit& page, core::SliceClass slice_class) {
    for (const auto& child : source.streams) {
        for (const auto& rows : page.rows.emits) {
            const auto& emit = stream.emits[rows.emit];
            if (!core::feeds(stream, emit, child)) continue;
            for (std::size_t i = 0; i < rows.row_count(); ++i) {
                auto cells = cells_of(rows, i);
                nlohmann::json parent = nlohmann::json::object();
                for (const auto& column : child.parent_columns) parent[column] = cells[column].value_or("");
                const auto& key = child.foreach_.key_columns.empty() ? emit.key : child.foreach_.key_columns;
                std::string part;
                for (const auto& column : key) part += (part.empty() ? "" : "/") + cells[column].value_or("");
                for (std::int64_t n = 0; n < child.foreach_.entries(); ++n)
                    add_child(held, child, combined_part(child.foreach_, part, n), parent.dump(), child.foreach_.entry(n), slice_class);
            }
        }
    }
}

void MemoryPageStore::add_child(Held& held, const core::Stream& child, const std::string& part, std::string parent,
                                std::string list, core::SliceClass slice_class) {
    const auto known = std::find_if(held.partitions.begin(), held.partitions.end(), [&](const auto& one) {
        return one.second.stream == child.name && one.second.part == part;
    });
    if (known != held.partitions.end()) {
        auto& partition = known->second;
        partition.parent = std::move(parent);
        partition.list = std::move(list);
        partition.active = true;
        const auto rests = child.refresh ? child.refresh->count() : 0;
        const bool rested = rests == 0 || !partition.last_finished || *partition.last_finished <= store_.now_us() - rests;
        if (!partition.walking && !partition.next_due && rested) partition.next_due = store_.now_us();
        return;
    }
    MemoryStore::Partition partition;
    partition.id = held.next_partition++;
    partition.stream = child.name;
    partition.part = part;
    partition.parent = std::move(parent);
    partition.list = std::move(list);
    if (child.incremental)
        partition.next_due = store_.now_us();
    else
        store_.begin_walk(held, partition, &child, slice_class);
    held.partitions[partition.id] = std::move(partition);
}

}  // namespace pawl::test
