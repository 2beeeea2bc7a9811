#include "storage/batch_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"
#include "core/random.hpp"
#include "storage/child_partitions.hpp"
#include "storage/finish.hpp"
#include "storage/identifier.hpp"
#include "storage/ledger.hpp"
#include "storage/tip_move.hpp"

// The order of locks: temporary tables (nobody else's), target tables by name and rows by key,
// partitions, slice rows by id, running totals. Whatever goes wrong before COMMIT is rolled back
// whole; what it means is decided in `store`.
namespace pawl::storage {

namespace {

constexpr int attempts_max =
    8;  // collisions with other writers, before the worker is told to come back
constexpr core::Millis jitter_max{40};       // times the attempt
constexpr std::string_view cycle = "23505";  // on pawl.page: the cursor was there before

// `local` and stronger settings of the user stay; only `off` would lose acknowledged pages in a
// crash.
// work_mem holds a batch (16 MiB of bodies) while it is sorted by key.
constexpr std::string_view begin = R"sql(
begin;
set local client_encoding = 'UTF8';
set local standard_conforming_strings = on;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local statement_timeout = '120s';
set local lock_timeout = '5s';
set local idle_in_transaction_session_timeout = '30s';
set local jit = off;
set local work_mem = '64MB';
select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off')sql";

/// Stands in pawl.rejected_record for each value of a page that has no column at all.
const core::Rejected no_column{"no column has a value", ""};

/// The tips of some slices are not where these pages begin: nothing was stored.
struct TipsMoved {};

bool by_slice(const BatchPage& a, const BatchPage& b) {
    const core::Job &left = a.page->job, &right = b.page->job;
    return std::tie(left.slice, left.seq, a.index) < std::tie(right.slice, right.seq, b.index);
}

bool by_request(const BatchPage& a, const BatchPage& b) {
    const core::Job &left = a.page->job, &right = b.page->job;
    return std::tie(left.requested_at, left.slice, left.seq) <
           std::tie(right.requested_at, right.slice, right.seq);
}

/// Something in the database is not as we remember it: other columns, other types, no table.
bool is_outdated(const SqlError& error) {
    return error.is("42P01") || error.is("42703") || error.is("42883") || error.is("42804") ||
           error.is("0A000");
}

/// The data's own fault, whatever the world does.
bool is_of_the_data(const SqlError& error) {
    return error.is("22") || error.is("23") || error.is("21") || error.is("54");
}

void wait_a_little(int attempt) {
    core::SystemRandom random;
    const double millis = random.fraction() * static_cast<double>(jitter_max.count() * attempt);
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<std::int64_t>(millis * 1'000)));
}

/// The parameters of all upserts: page ids and request times by number.
std::vector<std::optional<std::string>> page_parameters(const std::vector<BatchPage>& by_time) {
    PqArray ids, times;
    for (const BatchPage& entry : by_time) {
        ids.add(core::page_id(entry.page->job.slice, entry.page->job.seq));
        times.add(entry.page->job.requested_at);
    }
    return {ids.str(), times.str()};
}

/// What an upsert did, by number of the page.
struct Tally {
    std::int64_t winners = 0, to_write = 0, same = 0, stale = 0, inserted = 0, updated = 0;
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
        const bool by_id = what == "I" || what == "U";
        Tally& tally =
            tallies.at(by_id ? number_of.at(which) : static_cast<std::size_t>(which - 1));
        if (!by_id && what != "A") tally.winners += count;
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

void add_counts(const Stage& stage, const std::vector<Tally>& tallies,
                const std::vector<BatchPage>& by_time) {
    const bool keyless = stage.target.key.empty();
    const bool fills = stage.target.merge == core::Emit::Merge::fill_null;
    for (std::size_t i = 0; i < by_time.size(); ++i) {
        if (stage.staged[i] == 0) continue;
        const Tally& tally = tallies[i];
        PageResult::Counts& counts = by_time[i].result->emits[stage.emit];
        counts.inserted = tally.inserted;
        counts.updated = tally.updated;
        if (keyless) continue;
        const std::int64_t refused =
            tally.to_write - tally.inserted - tally.updated;  // another writer was faster
        counts.same = tally.same + (fills ? refused : 0);
        counts.stale = tally.stale + (fills ? 0 : refused);
        counts.duplicate = stage.staged[i] - tally.winners;
    }
}

/// read and rejected are known before anything is written. A record without any column is one more
/// rejected.
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

std::string array_literal(const std::vector<std::int64_t>& numbers) {
    return fmt::format("'{{{}}}'", fmt::join(numbers, ","));
}

/// FROM item `pawl_page (number, id, class)`: the stage's pages, with the class of their slices.
std::string pages_read(const Stage& stage, const std::vector<BatchPage>& by_time) {
    std::vector<std::int64_t> ids;  // 0, which joins no slice, where a page is of another stream
    for (const BatchPage& entry : by_time)
        ids.push_back(entry.stream == stage.stream
                          ? core::page_id(entry.page->job.slice, entry.page->job.seq)
                          : 0);
    return fmt::format(
        "(select page.number, page.id, s.class from unnest({}::bigint[]) with ordinality as "
        "page(id, number) join pawl.slice s on s.slice_id = page.id >> {}) as pawl_page",
        array_literal(ids), core::page_seq_bits);
}

/// FROM clause: rows of the stage's table that this batch read, as the table has them now, beside
/// `pawl_read.class`, the class of the slice that read them.
std::string rows_read(const Stage& stage, const std::vector<BatchPage>& by_time) {
    if (stage.target.key.empty())
        return fmt::format(
            "{} as p join {} on p._pawl_slice = pawl_page.id >> {} and p._pawl_page = pawl_page.id "
            "cross join lateral (select pawl_page.class) as pawl_read",
            stage.target.table, pages_read(stage, by_time), core::page_seq_bits);
    std::vector<std::string> keys, same;
    for (const std::string& key : stage.target.key) {
        keys.push_back("pawl_row." + quoted(key));
        same.push_back(fmt::format("p.{0} = pawl_read.{0}", quoted(key)));
    }
    return fmt::format(
        "{} as p join (select {}, min(pawl_page.class) as class from {} as pawl_row join {} on "
        "pawl_page.number = pawl_row._pawl_p group by {}) as pawl_read on {}",
        stage.target.table, fmt::join(keys, ", "), stage.name, pages_read(stage, by_time),
        fmt::join(keys, ", "), fmt::join(same, " and "));
}

/// True where rows of this stage become partitions of `child`.
bool feeds(const Stage& stage, const core::Stream& child) {
    const core::Foreach& from = child.foreach_;
    if (from.kind != core::Foreach::Kind::stream || from.stream != stage.stream->name) return false;
    const std::string& table = from.table.empty() ? stage.stream->emits.front().table : from.table;
    return stage.source_emit().table == table;
}

}  // namespace

PqConnection& BatchWriter::connection() {
    if (connection_ && !connection_->is_usable()) connection_.reset();
    if (!connection_) connection_.emplace(options_.url);
    return *connection_;
}

std::vector<PageResult> BatchWriter::commit(const core::SourceFile& source,
                                            std::vector<PageCommit>& batch) {
    std::vector<PageResult> results(batch.size());
    Pages remaining;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const core::Stream* stream = source.find(batch[i].job.stream);
        if (stream != nullptr) {
            remaining.push_back({&batch[i], stream, &results[i], i});
        } else {
            results[i].verdict = Verdict::gap;
            results[i].reason = "the source file has no stream " + batch[i].job.stream;
        }
    }
    std::sort(remaining.begin(), remaining.end(), by_slice);
    try {
        while (!remaining.empty()) {
            Pages chains = take_chains(remaining);
            store(source, std::move(chains));
        }
    } catch (const SqlError& error) {
        if (connection_) connection_->rollback();
        if (!connection_ || !connection_->is_usable()) connection_.reset();
        raise(error);
    } catch (...) {
        connection_.reset();  // whatever it was: the server rolls back
        throw;
    }
    return results;
}

/// Brings all of `pages` to a result: stored, or the reason why not.
void BatchWriter::store(const core::SourceFile& source, Pages pages) {
    bool refreshed = false;
    for (int attempt = 1; !pages.empty(); ++attempt) {
        try {
            write(source, pages);
            return;
        } catch (const TipsMoved&) {
            connection().rollback();
            pages = judge_and_keep(std::move(pages));
            if (attempt > attempts_max)
                throw core::TransientError("Tips keep moving under the writer");
        } catch (const core::TransientError& error) {
            // In doubt: the same again on a new connection. If it had committed, the pages are
            // duplicates now.
            connection_.reset();
            if (!error.outcome_unknown || attempt > 2) throw;
            core::log::warn("A commit is in doubt, asking again", {{"source", source.name}});
        } catch (const SqlError& error) {
            connection().rollback();
            if (is_collision(error)) {
                if (attempt > attempts_max) throw;
                wait_a_little(attempt);
            } else if (is_outdated(error) && !refreshed) {
                refreshed = true;
                tables_->forget(source);
            } else if (!is_of_the_data(error)) {
                throw;
            } else if (pages.size() > 1) {
                store_halves(source, pages);
                return;
            } else {
                refuse(pages.front(), error);
                return;
            }
        }
    }
}

/// One of them cannot be stored: which one is found by halving. Later pages of its slice then are
/// gaps.
void BatchWriter::store_halves(const core::SourceFile& source, const Pages& pages) {
    const auto middle = pages.begin() + static_cast<std::ptrdiff_t>(pages.size() / 2);
    store(source, Pages(pages.begin(), middle));
    store(source, Pages(middle, pages.end()));
}

void BatchWriter::refuse(const BatchPage& entry, const SqlError& error) {
    PageResult& result = *entry.result;
    result = PageResult{};
    if (error.is(cycle) && error.table.starts_with("page_")) {
        result.verdict = Verdict::stuck;
        result.reason = "the same cursor was asked for before: a cycle";
        if (!mark_stuck(connection(), entry.page->job, options_.number)) judge_and_keep({entry});
        return;
    }
    result.verdict = Verdict::unstorable;
    result.reason = fmt::format("{} [{}]", error.what(), error.sqlstate);
}

/// Gives a result to each page that does not come next; returns those that do.
BatchWriter::Pages BatchWriter::judge_and_keep(Pages pages) {
    const auto judged = judge_pages(connection(), pages);
    Pages kept;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        if (judged[i])
            *pages[i].result = *judged[i];
        else
            kept.push_back(pages[i]);
    }
    return kept;
}

/// The transaction. Throws TipsMoved where some tips are elsewhere.
void BatchWriter::write(const core::SourceFile& source, const Pages& pages) {
    begin_counts(pages);
    if (!tips_stand_ready(connection(), pages)) throw TipsMoved{};
    Pages by_time = pages;
    std::stable_sort(by_time.begin(), by_time.end(), by_request);
    const std::vector<Stage> stages = stage_batch(connection(), *tables_, source, by_time);

    PqConnection& server = connection();
    server.run_all(std::string(begin));
    core::hit(core::Failpoint::after_begin);
    write_rows(source, by_time, stages);
    core::hit(core::Failpoint::after_upsert);
    write_children(source, by_time, stages);
    write_dead_letters(server, source.name, pages);
    if (!move_tips(server, pages, options_.quiet)) throw TipsMoved{};
    core::hit(core::Failpoint::after_cas);
    write_books(source, pages, by_time, stages);
    core::hit(core::Failpoint::before_commit);
    server.commit();
    core::hit(core::Failpoint::after_commit);
}

void BatchWriter::write_rows(const core::SourceFile& source, const Pages& by_time,
                             const std::vector<Stage>& stages) {
    PqConnection& server = connection();
    for (const Stage& stage : stages) {
        if (stage.has_staged()) server.copy(stage.create_sql(), stage.rows);
        if (!stage.replaced.empty()) server.copy(stage.create_replaced_sql(), stage.replaced);
    }
    const auto parameters = page_parameters(by_time);
    for (const Stage& stage : stages) {
        const auto add_deleted = [&](const PqResult& rows,
                                     const std::vector<std::size_t>& numbers) {
            for (int row = 0; row < rows.rows(); ++row)
                by_time[numbers.at(static_cast<std::size_t>(rows.integer(row, 1) - 1))]
                    .result->emits[stage.emit]
                    .deleted += rows.integer(row, 2);
        };
        for (std::size_t i = 0; i < by_time.size(); ++i)
            if (!stage.rejected[i].empty())
                by_time[i].result->emits[stage.emit].rejected +=
                    static_cast<std::int64_t>(stage.rejected[i].size());
        if (stage.has_staged())
            add_counts(stage,
                       read_tallies(server.run(upsert_sql(stage.target), parameters), by_time),
                       by_time);
        if (!stage.replaced.empty()) {
            UpsertTarget target = stage.target;
            target.stage = stage.replaced_name();
            std::vector<std::string> columns;
            for (const Stage::Column& column : stage.replace_columns)
                columns.push_back(column.name);
            std::vector<std::size_t> numbers(by_time.size());
            for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
            add_deleted(server.run(replace_sql(target, columns), parameters), numbers);
        }
        if (stage.replaces_walks) {
            PqArray last_pages;
            std::vector<std::size_t> numbers;
            for (std::size_t i = 0; i < by_time.size(); ++i) {
                if (by_time[i].stream != stage.stream || !ends_walk(*by_time[i].page)) continue;
                last_pages.add(core::page_id(by_time[i].page->job.slice, by_time[i].page->job.seq));
                numbers.push_back(i);
            }
            add_deleted(
                server.run(replace_walk_sql(quoted_table(source.schema, stage.source_emit().table)),
                           {last_pages.str()}),
                numbers);
        }
    }
}

void BatchWriter::write_children(const core::SourceFile& source, const Pages& by_time,
                                 const std::vector<Stage>& stages) {
    for (const Stage& stage : stages) {
        if (!stage.has_staged()) continue;
        for (const core::Stream& child : source.streams) {
            if (!feeds(stage, child)) continue;
            ParentRows rows;
            rows.from = rows_read(stage, by_time);
            rows.table = stage.source_emit().table;
            rows.key = stage.target.key;
            rows.newest = "p._pawl_page";
            rows.slice_class = "pawl_read.class";  // live begets live
            rows.columns.emplace();
            for (const auto& [name, column] :
                 tables_->find(connection(), source, rows.table)->columns)
                rows.columns->insert(name);
            connection().run_all(
                insert_children_sql(source.name, child, rows, Revisit::every_sighting));
        }
    }
}

/// Everything in pawl's own tables that is not a tip.
void BatchWriter::write_books(const core::SourceFile& source, const Pages& pages,
                              const Pages& by_time, const std::vector<Stage>& stages) {
    PqConnection& server = connection();
    std::vector<RejectedRow> rejected;
    for (const BatchPage& entry : pages) {
        if (!has_rows(*entry.page)) continue;
        for (const core::EmitRows& rows : entry.page->rows.emits) {
            if (rows.emit >= entry.stream->emits.size()) continue;
            const std::string& table = entry.stream->emits[rows.emit].table;
            for (const core::Rejected& record : rows.rejected)
                rejected.push_back({&entry, table, &record});
            const auto known = static_cast<std::int64_t>(rows.row_count() + rows.rejected.size());
            for (std::int64_t i = known; i < rows.read; ++i)
                rejected.push_back({&entry, table, &no_column});
        }
    }
    for (const Stage& stage : stages)
        for (std::size_t i = 0; i < by_time.size(); ++i)
            for (const core::Rejected& record : stage.rejected[i])
                rejected.push_back({&by_time[i], stage.source_emit().table, &record});
    write_ledger(server, pages);
    write_rejected(server, source.name, rejected);
    write_validators(server, pages);
    finish_slices(server, pages, options_.number);
    write_totals(server, source.name, pages, options_.number);
}

}  // namespace pawl::storage
